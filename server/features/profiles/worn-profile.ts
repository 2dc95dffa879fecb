import type { Browser } from '../../browser/index.ts';
import { once } from '../../lib/once.ts';
import { noSuchProfile, wornBy } from './profile-failures.ts';
import type { ProfileRecord, StateRecord } from './profile-record.ts';
import type { ProfileRepository } from './profile-repository.ts';
import type { ProfileStates } from './state/profile-states.ts';
import { readUserData, writeUserData } from './state/state-archive.ts';
import { STATE_FORMAT, type StateCookie } from './state/state-head.ts';

/** How long a browser may take to say its cookies before it is closed. Milliseconds. */
const READ_COOKIES_TIMEOUT_MS = 3_000;
/** How long the state may take to be stored. Milliseconds. */
const SAVE_TIMEOUT_MS = 120_000;
interface WornProfileDeps {
  readonly profiles: ProfileRepository;
  readonly states: ProfileStates;
}

/**
 * A profile while a session wears it: nobody else can. Disposing it lets go of it.
 *
 * In the order of a session's life: `fill` before its browser starts, `giveCookies` before the browser is handed out, and `save` at
 * the end, which also ends the browser.
 */
export class WornProfile implements AsyncDisposable {
  readonly profile: ProfileRecord;
  readonly #deps: WornProfileDeps;
  readonly #sessionId: string;
  /** Of the saved state. */
  #cookies: readonly StateCookie[] = [];
  #isLeft = false;
  readonly [Symbol.asyncDispose] = once(async () => {
    if (!this.#isLeft) await this.#deps.profiles.unlock(this.profile.id, this.#sessionId);
  });

  constructor(deps: WornProfileDeps, worn: { readonly profile: ProfileRecord; readonly sessionId: string }) {
    this.#deps = deps;
    this.profile = worn.profile;
    this.#sessionId = worn.sessionId;
  }

  /** Leaves the profile to the session when this is disposed: another node goes on with it. */
  leave(): void {
    this.#isLeft = true;
  }

  /** Whether there is anything to start with. */
  get hasState(): boolean {
    return this.profile.state !== null;
  }

  /** Makes a user-data directory of the newest saved state. @throws {AppError} PROFILE_STATE_UNREADABLE */
  async fill(userDataDir: string, signal: AbortSignal): Promise<void> {
    const { id, state } = this.profile;
    if (state === null) return;
    await using saved = await this.#deps.states.open(id, state, signal);
    await writeUserData(userDataDir, saved.files, signal);
    this.#cookies = saved.head.cookies ?? [];
  }

  /**
   * Gives the browser its cookies: those without an expiry are on no disk, and of the others Chromium loses the latest now and then
   * when it closes on a busy machine. What it refuses is left out; returns how many.
   */
  async giveCookies(browser: Pick<Browser, 'addCookies'>, signal: AbortSignal): Promise<number> {
    return browser.addCookies(this.#cookies, signal);
  }

  /**
   * Ends the browser, so that it writes what it has not written yet, and saves what it has stored. Of one that is gone already, what
   * is on its disk is saved. The browser's folder is removed, also when this fails.
   *
   * @throws {AppError} PROFILE_LOCKED where somebody has taken the profile over; and what storing fails with
   */
  async save(browser: Browser, { includeCache }: { readonly includeCache: boolean }): Promise<StateRecord> {
    const cookies = await browser.readJar(AbortSignal.timeout(READ_COOKIES_TIMEOUT_MS)).catch(() => null);
    const head = { format: STATE_FORMAT, chromiumVersion: browser.version, cookies } as const;
    await using home = await browser.leave();
    const files = readUserData(home.folder.userDataDir, { includeCache });
    const writer = this.#sessionId;
    return await this.#deps.states.save(this.profile.id, { head, files, writer }, AbortSignal.timeout(SAVE_TIMEOUT_MS));
  }
}

/** Gives sessions profiles to wear, each to one at a time. */
export class ProfileWardrobe {
  readonly #deps: WornProfileDeps;

  constructor(deps: WornProfileDeps) {
    this.#deps = deps;
  }

  /** A profile, worn or not. @throws {AppError} PROFILE_NOT_FOUND */
  async get(profileId: string): Promise<ProfileRecord> {
    const profile = await this.#deps.profiles.find(profileId);
    if (profile === undefined) throw noSuchProfile(profileId);
    return profile;
  }

  /** Locks a profile for a session. The caller must dispose it. @throws {AppError} PROFILE_NOT_FOUND, PROFILE_LOCKED */
  async take(profileId: string, sessionId: string): Promise<WornProfile> {
    const result = await this.#deps.profiles.lock(profileId, sessionId);
    switch (result.outcome) {
      case 'locked':
        return new WornProfile(this.#deps, { profile: result.profile, sessionId });
      case 'held':
        throw wornBy(result.sessionId);
      case 'missing':
        throw noSuchProfile(profileId);
    }
  }

  /** The profile a session wears already, for who takes the session over; undefined where it wears it no more. */
  async findWorn(profileId: string, sessionId: string): Promise<WornProfile | undefined> {
    const profile = await this.#deps.profiles.find(profileId);
    return profile?.lockedBy === sessionId ? new WornProfile(this.#deps, { profile, sessionId }) : undefined;
  }

  /** Frees the locks of this node's sessions that are gone and not among `owned`. Returns how many. */
  async freeLocks(owned: Iterable<string>): Promise<number> {
    return this.#deps.profiles.freeLocks([...owned]);
  }
}
