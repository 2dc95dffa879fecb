import type { IncomingMessage } from 'node:http';

import { PROBLEMS } from '@guise/contract';

import { AccessAudit, AuditRepository, AuditTrail, problemCodeOf } from './features/audit/index.ts';
import type { HopSignature } from './features/cluster/index.ts';
import { isInside, parseCidrList, parseIpAddress } from './features/egress/index.ts';
import {
  BootstrapKeyError,
  findRule,
  Gatekeeper,
  KeyAuthenticator,
  type KeyCommands,
  keyCommands,
  KeyRepository,
  KeyWatch,
  operationOf,
  Ownership,
  Quotas,
  ruleOf,
  type ScriptRunner,
  SharedRateLimiter,
  syncBootstrapKeys,
  TrafficRecorder,
} from './features/keys/index.ts';
import type { CallAccess } from './features/realtime/index.ts';
import type { SessionEvents, SessionService } from './features/sessions/index.ts';
import { type RequestAccess, upgradeAddress, upgradeSecretOf } from './http/index.ts';
import type { Actor } from './lib/actor.ts';
import { toFailure } from './lib/problem-document.ts';
import { LocalRateLimiter } from './lib/rate-limiter.ts';
import type { TypedEmitter } from './lib/typed-emitter.ts';
import type { Logger } from './platform/logger/logger.ts';
import type { Database } from './platform/postgres/index.ts';
import { type Settings, SettingsError } from './settings/load-settings.ts';
import type { Upgrade, UpgradeRoute } from './websocket/index.ts';

/** Who has connected, for as long as they may. */
export interface Connected {
  readonly actor: Actor;
  /** Aborted when their key is none any more. */
  readonly ended: AbortSignal;
}

/** Lets through to an address that speaks WebSocket who may use it. */
export type GuardUpgrade = (
  operationId: string,
  handle: (upgrade: Upgrade, connected: Connected) => Promise<void>,
) => UpgradeRoute['handle'];

/** Keys, for those who ask with them and those who look after them. */
export interface KeyParts {
  readonly commands: KeyCommands;
  readonly ownership: Ownership;
  readonly quotas: Quotas;
  readonly watch: KeyWatch;
  readonly authenticator: KeyAuthenticator;
  readonly traffic: TrafficRecorder;
  readonly trail: AuditTrail;
  readonly auditRepository: AuditRepository;
  readonly requestAccess: RequestAccess;
  readonly callAccess: CallAccess;
  readonly guardUpgrade: GuardUpgrade;
  /** Whether an operation takes a key. */
  readonly takesKey: (operationId: string) => boolean;
}

/** What keys are kept with. */
interface KeyNeeds {
  readonly db: Database;
  readonly sessions: () => SessionService;
  readonly redis: ScriptRunner | undefined;
  /** Knows what other nodes have passed on. */
  readonly signature: Pick<HopSignature, 'verify'> | undefined;
}

type KeySettings = Pick<Settings, 'apiKeys' | 'metricsAllow' | 'mode' | 'nodeId' | 'trustedProxies'>;

/** Puts a mistake in a setting among those that stop the start. @throws {SettingsError} */
function refuse(variable: string, error: unknown): never {
  if (!(error instanceof BootstrapKeyError || error instanceof RangeError)) throw error;
  throw new SettingsError([`${variable}: ${error.message}`]);
}

/** Reads whom not to ask for a key. @throws {SettingsError} */
function readInside(metricsAllow: string): (address: string) => boolean {
  try {
    const ranges = parseCidrList(metricsAllow);
    return (text) => {
      const address = parseIpAddress(text);
      return address !== undefined && ranges.some((range) => isInside(address, range));
    };
  } catch (error) {
    return refuse('METRICS_ALLOW', error);
  }
}

/** Brings the keys of the settings into the database. @throws {SettingsError} */
async function bootstrap(db: Database, { apiKeys }: KeySettings): Promise<void> {
  try {
    await syncBootstrapKeys(db, apiKeys);
  } catch (error) {
    refuse('API_KEYS', error);
  }
}

/**
 * Puts together who may do what. `sessions` is asked for only once all is built; rates are counted in `redis`, if there is one, by all nodes together.
 *
 * @throws {SettingsError} when API_KEYS or METRICS_ALLOW are wrong
 */
export async function buildKeys(
  settings: KeySettings,
  { db, sessions, redis, signature }: KeyNeeds,
  { stack, logger }: { readonly stack: AsyncDisposableStack; readonly logger: Logger },
): Promise<KeyParts> {
  const isInsider = readInside(settings.metricsAllow);
  await bootstrap(db, settings);
  const isKeyNeeded = settings.mode === 'cloud' || settings.apiKeys.length > 0;
  const keys = new KeyRepository(db);
  const authenticator = new KeyAuthenticator({ keys });
  const watch = new KeyWatch(keys);
  const ownership = new Ownership(db);
  const local = new LocalRateLimiter();
  const quotas = new Quotas({ keys, limiter: redis === undefined ? local : new SharedRateLimiter(redis, local) });
  const gate = new Gatekeeper({ isKeyNeeded, authenticator, quotas, ownership, watch, isInside: isInsider });
  const trail = stack.use(new AuditTrail({ db, nodeId: settings.nodeId, logger }));
  const audit = new AccessAudit({
    record: (entry) => trail.record(entry),
    isAudited: (operationId) => ruleOf(operationId).isAudited,
  });
  const isPassedOn = (request: IncomingMessage): boolean => signature?.verify(request) !== undefined;
  const traffic = new TrafficRecorder({ keys, listLive: () => sessions().live });
  // What was used and moved since the last time; a database that is away is no reason not to stop.
  stack.defer(async () => {
    await Promise.all([authenticator.storeUses(), traffic.store()]).catch((error: unknown) =>
      logger.warn({ err: error }, 'use of keys could not be recorded at the end'),
    );
  });
  return {
    commands: keyCommands({
      keys,
      onChanged: () => {
        authenticator.forget();
        watch.check().catch((error: unknown) => logger.warn({ err: error }, 'keys could not be checked'));
      },
    }),
    ownership,
    quotas,
    watch,
    authenticator,
    traffic,
    trail,
    auditRepository: new AuditRepository(db),
    requestAccess: { isPassedOn, ...requestAccess(gate, audit) },
    callAccess: callAccess(gate, audit),
    guardUpgrade: guardUpgrade({ gate, audit, isPassedOn, addressOf: upgradeAddress(settings.trustedProxies) }),
    takesKey: (operationId) => ruleOf(operationId).access !== 'anybody',
  };
}

/** A session that was created has an entry of its own, which says more. */
function isTold(operationId: string, status: number): boolean {
  return status < 400 && ['createSession', 'createSessionAlias'].includes(operationId);
}

function requestAccess(gate: Gatekeeper, audit: AccessAudit): Omit<RequestAccess, 'isPassedOn'> {
  return {
    knows: (operationId) => findRule(operationId) !== undefined,
    admit: (...asked) => gate.admit(...asked),
    checkOwnership: (...asked) => gate.checkOwnership(...asked),
    watch: (...asked) => gate.watch(...asked),
    noteAnswer: ({ resources, ...answer }) => {
      if (isTold(answer.operationId, answer.status)) return;
      const resourceType = resources === 'proxies' ? 'proxy' : (resources?.replace(/s$/, '') ?? null);
      audit.note({ ...answer, resourceType });
    },
  };
}

function callAccess(gate: Gatekeeper, audit: AccessAudit): CallAccess {
  return {
    operationOf,
    allow: (...asked) => gate.allow(...asked),
    checkOwnership: (...asked) => gate.checkOwnership(...asked),
    noteCall: ({ sessionId, ...call }) => {
      if (isTold(call.operationId, call.status)) return;
      audit.note({ ...call, resourceType: 'session', resourceId: sessionId });
    },
  };
}

interface UpgradeGuardParts {
  readonly gate: Gatekeeper;
  readonly audit: AccessAudit;
  readonly isPassedOn: (request: IncomingMessage) => boolean;
  readonly addressOf: (request: IncomingMessage) => string | null;
}

function guardUpgrade({ gate, audit, isPassedOn, addressOf }: UpgradeGuardParts): GuardUpgrade {
  return (operationId, handle) => async (upgrade) => {
    const { request, socket, url } = upgrade;
    const { 'user-agent': userAgent = null } = request.headers;
    const client = { address: addressOf(request), userAgent, requestId: null };
    const { actor, refusal } = await gate.admit(operationId, {
      secret: upgradeSecretOf(request, url),
      client,
      isPassedOn: isPassedOn(request),
    });
    try {
      if (refusal !== undefined) throw refusal;
      const ending = new AbortController();
      const watching = gate.watch(actor, () => ending.abort());
      socket.once('close', () => watching[Symbol.dispose]());
      await handle(upgrade, { actor, ended: ending.signal });
    } catch (error) {
      const problemCode = problemCodeOf(error);
      const { status } = PROBLEMS[toFailure(error).code];
      const asked = { operationId, actor, status, problemCode, fields: [...url.searchParams.keys()] };
      audit.note({ ...asked, resourceType: 'session', resourceId: null });
      throw error;
    }
  };
}

/** Keeps a trail of every browser that was given to somebody, and of what sessions tried and were refused. */
export function auditSessions(
  events: TypedEmitter<SessionEvents>,
  { trail, traffic }: Pick<KeyParts, 'trail' | 'traffic'>,
  sessions: () => SessionService,
): void {
  const refusals = new AccessAudit({ record: (entry) => trail.record(entry), isAudited: () => false });
  const ownerOf = (sessionId: string): string | null => sessions().findLive(sessionId)?.ownerKeyId ?? null;
  events.on('created', ({ sessionId, actor, outcome, stealthLevel, identity }) => {
    const live = sessions().findLive(sessionId);
    if (live !== undefined) traffic.track(live);
    const { os = null, seed = null } = identity?.fingerprint ?? {};
    trail.record({
      actor,
      action: 'createSession',
      resourceType: 'session',
      resourceId: sessionId,
      outcome: outcome === 'failed' ? 'failure' : 'success',
      details: { start: outcome, stealthLevel, userAgent: identity?.userAgent ?? null, os, seed },
    });
  });
  events.on('restored', ({ sessionId, outcome }) =>
    trail.record({
      action: 'restoreSession',
      resourceType: 'session',
      resourceId: sessionId,
      outcome: outcome === 'restored' ? 'success' : 'failure',
      details: {},
    }),
  );
  events.on('commandRefused', ({ sessionId, method }) =>
    refusals.noteSession(sessionId, { action: 'sendCommand', ownerKeyId: ownerOf(sessionId), details: { method } }),
  );
  events.on('egressRefused', ({ sessionId, reason }) =>
    refusals.noteSession(sessionId, { action: 'connectOut', ownerKeyId: ownerOf(sessionId), details: { reason } }),
  );
}
