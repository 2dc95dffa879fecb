import { randomUUID } from 'node:crypto';

import type { CreateSession, SessionIdentity } from '@guise/contract';

import { emptyCheckpoint } from '../../browser/index.ts';
import { type Actor, isInScope, scopeOf } from '../../lib/actor.ts';
import { AppError } from '../../lib/app-error.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { SessionPlaces } from '../pool/index.ts';
import { noSuchProfile, type ProfileRecord, type WornProfile } from '../profiles/index.ts';
import { toBrowserRequest } from './browser-request.ts';
import type { SessionCheckpoints } from './checkpoints/session-checkpoints.ts';
import { type SessionDefaults, toBrowserOptions, toNewSession } from './create-options.ts';
import { toSelection } from './egress-options.ts';
import { placeAtExit } from './place-at-exit.ts';
import { SessionEgress } from './session-egress.ts';
import { checkProfileOptions, takeProfile, toProfileRequest } from './session-profile.ts';
import type { InsertSession } from './insert-session.ts';
import type { SessionEnder } from './session-ender.ts';
import type { SessionEvents } from './session-events.ts';
import type { SessionJournal } from './session-journal.ts';
import type { SessionLauncher, SessionLauncherDeps, SessionPlan } from './session-launcher.ts';
import type { NewSession, SessionRecord } from './session-record.ts';
import type { SessionRegistry } from './session-registry.ts';
import { SessionStart } from './session-start.ts';

/** How many sessions keys may have and ask for. */
interface SessionQuotas {
  /** Counts a create. @throws {AppError} QUOTA_EXCEEDED */
  checkCreate(actor: Actor): Promise<void>;
  /** The refusal of one more session at once than these. */
  sessionsExceeded(most: number): AppError;
}

/** Who wants a session, and may go away before it is there. */
export interface CreatingCaller {
  readonly actor: Actor;
  readonly signal: AbortSignal;
  /** The id under which it has its place already; it was counted where it got that. */
  readonly sessionId?: string | undefined;
}

/** What sessions are made of and where. */
export interface SessionStarterDeps extends SessionLauncherDeps {
  readonly insertSession: InsertSession;
  readonly admission: Pick<SessionPlaces, 'acquire'>;
  readonly quotas: SessionQuotas;
  readonly checkpoints: Pick<SessionCheckpoints, 'save'>;
  readonly events: TypedEmitter<SessionEvents>;
  readonly defaults: SessionDefaults;
}

/** Starts sessions; one that cannot be started is undone to the last trace but its CLOSED row. */
export class SessionStarter {
  readonly #deps: SessionStarterDeps;
  readonly #registry: SessionRegistry;
  readonly #journal: SessionJournal;
  readonly #ender: SessionEnder;
  readonly #launcher: SessionLauncher;

  constructor(
    deps: SessionStarterDeps,
    parts: {
      readonly registry: SessionRegistry;
      readonly journal: SessionJournal;
      readonly ender: SessionEnder;
      readonly launcher: SessionLauncher;
    },
  ) {
    this.#deps = deps;
    this.#registry = parts.registry;
    this.#journal = parts.journal;
    this.#ender = parts.ender;
    this.#launcher = parts.launcher;
  }

  /** See `SessionService.create`. */
  async create(
    input: CreateSession,
    { actor, signal: clientSignal, sessionId }: CreatingCaller,
  ): Promise<SessionRecord> {
    const startedAt = performance.now();
    if (sessionId === undefined) await this.#deps.quotas.checkCreate(actor);
    const id = sessionId ?? randomUUID();
    const plan = await this.#plan(input, actor, clientSignal);
    const { request, egress } = plan;
    const start = new SessionStart();
    this.#registry.starting.set(id, start);
    await using owned = new AsyncDisposableStack();
    try {
      const signal = AbortSignal.any([clientSignal, start.signal]);
      const place = owned.use(await this.#deps.admission.acquire({ sessionId: id, priority: actor.priority }, signal));
      const worn = await this.#takeProfile(id, input);
      if (worn !== undefined) owned.use(worn);
      const ownerKeyId = actor.tenantId;
      const session = toNewSession(id, { input: plan.input, egress: egress.stored, ownerKeyId }, this.#deps.defaults);
      await this.#insert(session, actor);
      const created = (outcome: SessionEvents['created']['outcome'], identity: SessionIdentity | null): void =>
        this.#deps.events.emit('created', {
          sessionId: id,
          actor,
          durationMs: performance.now() - startedAt,
          outcome,
          stealthLevel: session.stealthLevel,
          identity,
        });
      try {
        const { live, record, isWarm } = await this.#launcher.launch(id, { ...plan, worn, owned }, signal);
        if (live.checkpoint) await this.#deps.checkpoints.save(id, emptyCheckpoint(input.startUrl));
        place.browserRuns();
        const launched = request.fit === 'pinned' ? 'pinned' : 'cold';
        created(isWarm ? 'warm' : launched, record.identity);
        return record;
      } catch (error) {
        await this.#abandon({ id, owned, start, error, clientSignal });
        created('failed', null);
        throw start.signal.aborted ? start.signal.reason : error;
      }
    } finally {
      this.#registry.starting.delete(id);
      start.finish();
    }
  }

  /** @throws {AppError} QUOTA_EXCEEDED */
  async #insert(session: NewSession, { quotas: { maxSessions } }: Actor): Promise<void> {
    const record = await this.#deps.insertSession(session, maxSessions);
    if (record === undefined) throw this.#deps.quotas.sessionsExceeded(maxSessions ?? 0);
  }

  /** The browser and the way out that a create request asks for. @throws {AppError} as `create`, before anything is begun */
  async #plan(wanted: CreateSession, actor: Actor, signal: AbortSignal): Promise<SessionPlan> {
    const { extensionsDir, identities, egress: egressDeps } = this.#deps;
    checkProfileOptions(wanted);
    const scope = scopeOf(actor);
    const profile = await this.#findProfile(wanted, scope);
    const usualProxy = toSelection({ proxyId: profile?.defaultProxyId ?? undefined });
    const wantedProxy = toSelection(wanted);
    // Whoever made a proxy the usual one of a profile was allowed to.
    const chosen = wantedProxy === undefined ? { selection: usualProxy } : { selection: wantedProxy, scope };
    const egress = await SessionEgress.plan(egressDeps, { ...chosen, limits: wanted });
    const input = await placeAtExit(wanted, egress, signal);
    const options = await toBrowserOptions(input, extensionsDir);
    const request =
      profile === undefined ? toBrowserRequest(options, identities) : toProfileRequest(profile, options, identities);
    return { input, request, egress };
  }

  /** The saved profile that is asked for. @throws {AppError} PROFILE_NOT_FOUND, also for another tenant's */
  async #findProfile({ profileId }: CreateSession, scope: string | undefined): Promise<ProfileRecord | undefined> {
    if (profileId === undefined) return undefined;
    const profile = await this.#deps.profiles.get(profileId);
    if (!isInScope(scope, profile.ownerKeyId)) throw noSuchProfile(profileId);
    return profile;
  }

  async #takeProfile(
    sessionId: string,
    { profileId, takeOver = false }: CreateSession,
  ): Promise<WornProfile | undefined> {
    if (profileId === undefined) return undefined;
    const { profiles } = this.#deps;
    const parts = { profiles, ender: this.#ender, registry: this.#registry };
    return takeProfile({ profileId, sessionId, takeOver }, parts);
  }

  /** Undoes a start that failed: first the browser, then the row, as CLOSED means that nothing is left. */
  async #abandon(failed: {
    id: string;
    owned: AsyncDisposableStack;
    start: SessionStart;
    error: unknown;
    clientSignal: AbortSignal;
  }): Promise<void> {
    const { id, owned, start, error, clientSignal } = failed;
    const closeReason = start.closeReason ?? (clientSignal.aborted ? 'client_disconnected' : 'start_failed');
    const message = error instanceof AppError ? error.message : 'Internal error';
    this.#registry.unrecorded.set(id, closeReason);
    const results = await Promise.allSettled([owned.disposeAsync()]);
    results.push(
      ...(await Promise.allSettled([
        this.#journal.move(id, 'lose', { reason: closeReason, closeReason, error: message }).then(() => {
          this.#registry.unrecorded.delete(id);
        }),
      ])),
    );
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      this.#deps.logger.error({ err: result.reason, sessionId: id }, 'failed start could not be undone');
    }
  }
}
