import type { CloseReason, RecycleMode, SessionState, SessionUsage, StealthLevel } from '@guise/contract';

import type { Browser } from '../../browser/index.ts';
import { once } from '../../lib/once.ts';
import type { StateRecord, WornProfile } from '../profiles/index.ts';
import type { HeldBrowser } from './held-browser.ts';
import type { SessionEgress } from './session-egress.ts';
import type { PersistMode, SessionRecord } from './session-record.ts';

/** Why a client is sent away: its session has ended, or its browser is being started anew and it may come back. */
export type DismissalReason = CloseReason | 'browser_restarted';

/** Somebody connected to a session's browser, who is told when it ends. */
export interface SessionClient {
  /** Must not throw. */
  close(reason: DismissalReason): void;
}

/** What a session may use; null: no limit. */
export interface SessionLimits {
  timeoutMs: number;
  maxLifetimeMs: number | null;
  maxRequests: number | null;
  memoryLimitBytes: number | null;
}

/** The part of a row that limits a session. */
export function limitsOf({ timeoutMs, maxLifetimeMs, maxRequests, memoryLimitBytes }: SessionLimits): SessionLimits {
  return { timeoutMs, maxLifetimeMs, maxRequests, memoryLimitBytes };
}

/**
 * What this process holds of a session: its browser, who is connected to it, and how it is being used.
 *
 * The row in the database is the truth about its state; `state` here is the last one this process has seen.
 */
export class LiveSession {
  readonly id: string;
  /** The key of the tenant it belongs to; null: nobody's. */
  readonly ownerKeyId: string | null;
  readonly cdpPort: number;
  readonly createdAt: Date;
  readonly recycle: RecycleMode;
  readonly stealthLevel: StealthLevel;
  /** Whether what another node needs to go on with it is kept. */
  readonly checkpoint: boolean;
  readonly egress: SessionEgress;
  /** Requests it had served before this process had it: none, unless it was taken over. */
  readonly requestsBefore: number;
  state: SessionState;
  limits: SessionLimits;
  /** What its browser uses, as last measured; undefined until then. */
  usage: SessionUsage | undefined;
  /** Frees everything the session holds; resolves when nothing of it is left. Safe to call twice. */
  readonly release: () => Promise<void>;
  readonly #held: HeldBrowser;
  readonly #worn: WornProfile | undefined;
  readonly #persist: PersistMode;
  readonly #clients = new Set<SessionClient>();
  #operations = 0;
  #requestCount: number;
  #whenUnused: (() => void) | undefined;
  #end: (() => void) | undefined;
  #unusedTimer: NodeJS.Timeout | undefined;
  #lastActivityMs: number;

  constructor(
    record: Omit<SessionRecord, 'cdpPort'>,
    parts: {
      readonly held: HeldBrowser;
      readonly cdpPort: number;
      /** The saved profile it wears; the session's end lets go of it, as of all in `owned`. */
      readonly worn: WornProfile | undefined;
      readonly egress: SessionEgress;
      readonly owned: AsyncDisposableStack;
    },
  ) {
    this.id = record.id;
    this.ownerKeyId = record.ownerKeyId;
    this.createdAt = record.createdAt;
    this.recycle = record.recycle;
    this.stealthLevel = record.stealthLevel;
    this.checkpoint = record.checkpoint;
    this.state = record.state;
    this.limits = limitsOf(record);
    this.requestsBefore = record.requestCount;
    this.#requestCount = record.requestCount;
    this.cdpPort = parts.cdpPort;
    this.egress = parts.egress;
    this.#held = parts.held;
    this.#worn = parts.worn;
    this.#persist = record.persist;
    this.#lastActivityMs = Date.now();
    this.release = once(() => parts.owned.disposeAsync());
  }

  /** The browser it has now. */
  get browser(): Browser {
    return this.#held.current;
  }

  /** Resolves when the session has a browser that can be used: at once, unless it is being restarted. Never rejects. */
  get browserSettled(): Promise<void> {
    return this.#held.settled;
  }

  get isRestarting(): boolean {
    return this.#held.isReplacing;
  }

  get lastActivityAt(): Date {
    return new Date(Date.now() - this.idleMs());
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** REST requests and CDP commands so far, over all its browsers. */
  get requestCount(): number {
    return this.#requestCount;
  }

  /** Notes that the session is being used. Cheap: called for every piece of traffic. */
  touch(): void {
    this.#lastActivityMs = Date.now();
  }

  /** Notes a request to the session, which is use of it. Cheap. */
  countRequest(): void {
    this.#requestCount += 1;
    this.touch();
  }

  /** Notes the begin of an operation; until it is disposed the session counts as used. */
  beginOperation(): Disposable {
    this.#operations += 1;
    this.touch();
    return {
      [Symbol.dispose]: () => {
        this.#operations -= 1;
        this.touch();
      },
    };
  }

  /** Milliseconds since the session was last used; 0 while an operation is under way. */
  idleMs(): number {
    return this.#operations > 0 ? 0 : Date.now() - this.#lastActivityMs;
  }

  /** Adds somebody who drives the browser; returns the function that removes them again. */
  addClient(client: SessionClient): () => void {
    this.#clients.add(client);
    clearTimeout(this.#unusedTimer);
    // A client that drives the browser itself also wants to see its dialogs.
    this.browser.answersDialogs = false;
    this.touch();
    return () => {
      this.#clients.delete(client);
      this.browser.answersDialogs = this.#clients.size === 0;
      this.touch();
      // One that was sent away by a restart is expected back; if it does not come, the session idles out.
      if (!this.isRestarting) this.#whenUnused?.();
    };
  }

  /** Calls `end` once the session has had no client for `afterMs`, from now on. For sessions made for a connection. */
  endWhenUnused(afterMs: number, end: () => void): void {
    this.#end = end;
    // A client that made its session by connecting does not know its name: after a crash of ours nobody would come back.
    void this.browser.noteOwner(undefined).catch(() => undefined);
    this.#whenUnused = () => {
      clearTimeout(this.#unusedTimer);
      if (this.#clients.size === 0) this.#unusedTimer = setTimeout(end, afterMs).unref();
    };
    this.#whenUnused();
  }

  /** A client asks for the end: granted at once where the session was made for a connection; others end over REST. */
  endAsAsked(): void {
    this.#end?.();
  }

  closeClients(reason: DismissalReason): void {
    for (const client of [...this.#clients]) client.close(reason);
  }

  /** Writes down that the browser is this session's, so that it can be taken over after a crash of the service. */
  async noteOwner(): Promise<void> {
    if (this.#whenUnused === undefined) await this.browser.noteOwner(this.id);
  }

  /**
   * Ends the browser and saves what it has stored, where the session was made to; undefined where it was not. To be called before
   * `release`, once the session is out of use.
   *
   * @throws as `WornProfile.save`
   */
  async saveProfile(): Promise<StateRecord | undefined> {
    if (this.#worn === undefined || this.#persist === 'nothing') return undefined;
    await this.#held.stopReplacing();
    return this.#worn.save(this.browser, { includeCache: this.#persist === 'stateAndCache' });
  }

  /** Leaves the profile it wears to the session, when this process lets go of that for another node to go on with. */
  leaveProfile(): void {
    this.#worn?.leave();
  }

  /** Replaces the browser; see `HeldBrowser.replace`. */
  replaceBrowser(make: (old: Browser, signal: AbortSignal) => Promise<Browser>): Promise<boolean> {
    return this.#held.replace(make);
  }
}
