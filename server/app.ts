import { mkdir } from 'node:fs/promises';

import type { FastifyInstance } from 'fastify';

import {
  adoptBrowser,
  type BrowserHost,
  findOwnedBrowsers,
  openFolderRoot,
  relaunchBrowser,
  removeLeftovers,
} from './browser/index.ts';
import { buildEgress, buildSessionEgress } from './build-egress.ts';
import { buildIdentities } from './build-identities.ts';
import { buildInterfaces } from './build-interfaces.ts';
import { auditSessions, buildKeys } from './build-keys.ts';
import { buildObjects } from './build-objects.ts';
import { buildPool } from './build-pool.ts';
import { buildProfiles } from './build-profiles.ts';
import { buildProxies } from './build-proxies.ts';
import { openFeed } from './build-realtime.ts';
import { CdpGateway, type ClientDeps, HoldBudget, PortRange, EmulationLog, RefusalLog } from './features/cdp/index.ts';
import type { Egress } from './features/egress/index.ts';
import {
  type SessionEvents,
  sessionInsert,
  SessionRepository,
  SessionService,
  SessionTokens,
} from './features/sessions/index.ts';
import { findBrowserHost } from './find-browser-host.ts';
import { TypedEmitter } from './lib/typed-emitter.ts';
import { openStorage } from './open-storage.ts';
import { holdDataDir } from './platform/data-dir-lock.ts';
import type { Logger } from './platform/logger/logger.ts';
import type { ObjectStore } from './platform/objects/index.ts';
import { type Database, loadInstanceSecret } from './platform/postgres/index.ts';
import type { AppLogger, Parts } from './parts.ts';
import type { Settings } from './settings/load-settings.ts';
import { startLoops } from './start-loops.ts';

const START_TIMEOUT_MS = 120_000;
const BYTES_PER_MB = 1024 ** 2;
/** CDP commands that are held back to be looked at, of all clients together. */
const MAX_HELD_BYTES = 256 * BYTES_PER_MB;
const CDP_HOST = '127.0.0.1';

/** The whole service. Disposing it ends every session and leaves no process, port or file behind. */
export interface App extends AsyncDisposable {
  readonly http: FastifyInstance;
  /** Starts to answer requests; returns the address. */
  listen(): Promise<string>;
  /**
   * Takes no new sessions and waits for those there are to end by themselves, for the drain time at most or until `signal` is
   * aborted; then ends them. Never rejects.
   */
  drain(signal: AbortSignal): Promise<void>;
  /** Kills every browser, synchronously: for a process that exits without waiting for the disposal. */
  killBrowsers(): void;
}

/**
 * Builds and starts the whole service except its listener: the only place where concrete parts meet.
 *
 * Parts are registered for disposal as they are built, so that a failure half-way undoes what was done, and stopping
 * runs the start backwards.
 *
 * `stop` breaks the start off. @throws {HostError}, {DataDirHeldError} and what the database fails with
 */
export async function createApp(
  settings: Settings,
  logger: AppLogger,
  { processId, stop }: { readonly processId: number; readonly stop: AbortSignal },
): Promise<App> {
  await using stack = new AsyncDisposableStack();
  const signal = AbortSignal.any([stop, AbortSignal.timeout(START_TIMEOUT_MS)]);
  await mkdir(settings.dataDir, { recursive: true });
  stack.use(await holdDataDir(settings.dataDir, processId));
  const ownPorts = new Set<number>();
  const egress = stack.use(buildEgress(settings, ownPorts, logger));
  const host = await findBrowserHost(settings, (port) => egress.open(port), logger);
  signal.throwIfAborted();
  const db = await openStorage(settings, stack, { logger, signal });
  signal.throwIfAborted();
  await openFolderRoot(host.foldersRoot);
  const objects = await buildObjects(settings, stack, { logger, signal });
  const parts = await buildParts({ settings, host, egress, ownPorts, db, objects, stack, logger });
  await recover(parts, settings, { logger, signal });
  const leftBehind = await parts.sessions.closeUnowned();
  if (leftBehind > 0) logger.warn({ sessions: leftBehind }, 'sessions a predecessor left behind were closed');

  const { http, realtime } = await buildInterfaces(settings, parts, logger);
  // Ended before the sessions are, the server would wait for the clients that wait for the sessions.
  stack.defer(() => http.close());
  stack.use(realtime).start();
  for (const loop of startLoops(parts, settings, logger)) stack.use(loop);
  stack.defer(async () => {
    parts.admission.close();
    await parts.sessions.endAll('shutdown');
  });
  parts.pool.start();

  const owned = stack.move();
  return {
    http,
    drain: async (drainSignal) => {
      parts.admission.close();
      if (settings.drainTimeoutMs > 0) await parts.sessions.drain(settings.drainTimeoutMs, drainSignal);
    },
    killBrowsers: () => host.groups.killAll(),
    listen: async () => {
      const address = await http.listen({ port: settings.port, host: settings.host });
      for (const own of http.addresses()) if (typeof own !== 'string') ownPorts.add(own.port);
      return address;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Takes over what a predecessor that was killed left running, and ends the rest of it. */
async function recover(
  { host, sessions }: Parts,
  settings: Settings,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<void> {
  const found = settings.orphans === 'adopt' ? await findOwnedBrowsers(host.foldersRoot) : [];
  const adopted = await sessions.adopt(found);
  if (sessions.live.length > 0)
    logger.info({ sessions: sessions.live.length }, 'sessions a predecessor left behind were taken over');
  const kept = {
    groups: adopted.flatMap(({ note }) => (note.display === undefined ? [note.pid] : [note.pid, note.display.pid])),
    folders: adopted.map(({ folder }) => folder.path),
  };
  const removed = await removeLeftovers(host.foldersRoot, kept, signal);
  if (removed > 0) logger.warn({ browsers: removed }, 'browsers a predecessor left behind were ended');
}

async function buildParts(base: {
  settings: Settings;
  host: BrowserHost;
  egress: Egress;
  ownPorts: Set<number>;
  db: Database;
  objects: ObjectStore;
  stack: AsyncDisposableStack;
  logger: AppLogger;
}): Promise<Parts> {
  const { settings, host, egress, ownPorts, db, objects, stack, logger } = base;
  const identities = await buildIdentities(host, settings.dataDir, logger);
  const poolParts = buildPool(settings, { host, identities }, { stack, logger });
  const tokens = new SessionTokens(await loadInstanceSecret(db, 'session-tokens'));
  const events = new TypedEmitter<SessionEvents>((error, event) =>
    logger.error({ err: error, event }, 'listener failed'),
  );
  const { gateway, cdpClients } = buildGateway(
    settings,
    { sessions: () => sessions, tokens, events, ownPorts },
    logger,
  );
  const keys = await buildKeys(settings, { db, sessions: () => sessions }, { stack, logger });
  const profiles = await buildProfiles(
    settings,
    { db, objects, identity: identities, sessions: () => sessions, ownership: keys.ownership },
    logger,
  );
  const proxies = await buildProxies(settings, { db, dial: (...target) => egress.dial(...target) }, logger);
  stack.defer(() => proxies.store.flush());
  const sessionEgress = await buildSessionEgress({ egress, proxies, db, sessions: () => sessions, events }, logger);
  const sessions: SessionService = new SessionService({
    sessions: new SessionRepository(db, settings.nodeId),
    insertSession: sessionInsert(db, settings.nodeId),
    quotas: keys.quotas,
    nodeId: settings.nodeId,
    pool: poolParts.pool,
    admission: poolParts.admission,
    identities,
    profiles: profiles.wardrobe,
    egress: sessionEgress,
    openPort: (...session) => gateway.openPort(...session),
    adopt: (owned, signal) => adoptBrowser(owned, host, signal),
    relaunch: (old, signal) => relaunchBrowser(old, host, signal),
    events,
    logger,
    defaults: {
      timeoutMs: settings.sessionTimeoutMs,
      maxRequests: settings.maxRequestsPerSession,
      memoryLimitBytes: settings.memoryThresholdMb * BYTES_PER_MB,
    },
    extensionsDir: settings.extensionsDir,
  });
  auditSessions(events, keys, () => sessions);
  const feed = await openFeed({ service: sessions, events, db }, logger);
  const own = { host, db, objects, tokens, gateway, cdpClients, events };
  return { ...poolParts, ...own, sessions, feed, profiles, proxies, keys, egress };
}

/** What CDP clients connect to. `sessions` is asked for only once all is built. */
function buildGateway(
  { cdpPortBase: base, cdpPortCount: count }: Settings,
  parts: {
    readonly sessions: () => SessionService;
    readonly tokens: SessionTokens;
    readonly events: TypedEmitter<SessionEvents>;
    readonly ownPorts: Set<number>;
  },
  logger: Logger,
): { gateway: CdpGateway; cdpClients: ClientDeps } {
  const { sessions, tokens, events, ownPorts } = parts;
  const cdpClients: ClientDeps = {
    refusals: new RefusalLog({ sessions, events, logger }),
    emulation: new EmulationLog({ sessions, logger }),
    holdBudget: new HoldBudget(MAX_HELD_BYTES),
  };
  const ports = new PortRange({ base, count, host: CDP_HOST, listening: ownPorts });
  return { gateway: new CdpGateway({ sessions, tokens, ...cdpClients, ports, host: CDP_HOST, logger }), cdpClients };
}
