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
import { buildCluster, ownUrl, startCluster } from './build-cluster.ts';
import { buildEgress, buildSessionEgress } from './build-egress.ts';
import { buildIdentities } from './build-identities.ts';
import { buildInterfaces } from './build-interfaces.ts';
import { buildObjects } from './build-objects.ts';
import { buildPool } from './build-pool.ts';
import { buildProfiles } from './build-profiles.ts';
import { buildProxies } from './build-proxies.ts';
import { openFeed } from './build-realtime.ts';
import { endElsewhere } from './cluster-interfaces.ts';
import { AuditTrail } from './features/audit/index.ts';
import { CdpGateway, type ClientDeps, HoldBudget, PortRange, EmulationLog, RefusalLog } from './features/cdp/index.ts';
import type { Egress } from './features/egress/index.ts';
import { type SessionEvents, SessionRepository, SessionService, SessionTokens } from './features/sessions/index.ts';
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
  // From here on the others know that this node is there, and leave what it may take over alone.
  if (parts.cluster !== undefined) await startCluster(parts.cluster, { stack, logger });
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
      await parts.cluster?.announce();
      if (settings.drainTimeoutMs > 0) await parts.sessions.drain(settings.drainTimeoutMs, drainSignal);
    },
    killBrowsers: () => host.groups.killAll(),
    listen: async () => {
      const address = await http.listen({ port: settings.port, host: settings.host });
      for (const own of http.addresses()) if (typeof own !== 'string') ownPorts.add(own.port);
      const port = Number(new URL(address).port);
      await parts.cluster?.open(settings.nodeUrl ?? ownUrl({ host: settings.host, port }));
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
  const profiles = await buildProfiles(
    settings,
    { db, objects, identity: identities, sessions: () => sessions },
    logger,
  );
  const proxies = await buildProxies(settings, { db, dial: (...target) => egress.dial(...target) }, logger);
  stack.defer(() => proxies.store.flush());
  const sessionEgress = await buildSessionEgress({ egress, proxies, db, sessions: () => sessions, events }, logger);
  const cluster = await buildCluster(
    settings,
    { db, local: poolParts.admission, memory: poolParts.memory, sessions: () => sessions, events },
    { stack, logger },
  );
  const sessions: SessionService = new SessionService({
    sessions: new SessionRepository(db, settings.nodeId),
    nodeId: settings.nodeId,
    pool: poolParts.pool,
    admission: cluster?.admission ?? poolParts.admission,
    endElsewhere: cluster && ((id) => endElsewhere(cluster, id)),
    identities,
    profiles: profiles.wardrobe,
    egress: sessionEgress,
    openPort: (...session) => gateway.openPort(...session),
    adopt: (owned, signal) => adoptBrowser(owned, host, signal),
    relaunch: (old, signal) => relaunchBrowser(old, host, signal),
    events,
    logger,
    defaults: sessionDefaults(settings),
    extensionsDir: settings.extensionsDir,
  });
  auditCreates(events, stack.use(new AuditTrail({ db, nodeId: settings.nodeId, logger })));
  const feed = await openFeed({ service: sessions, events, db }, logger);
  const own = { host, db, objects, tokens, gateway, cdpClients, events, sessions, feed, profiles, proxies, egress };
  return { ...poolParts, ...own, cluster };
}

/** What a session gets where its create says nothing. */
function sessionDefaults(settings: Settings): { timeoutMs: number; maxRequests: number; memoryLimitBytes: number } {
  return {
    timeoutMs: settings.sessionTimeoutMs,
    maxRequests: settings.maxRequestsPerSession,
    memoryLimitBytes: settings.memoryThresholdMb * BYTES_PER_MB,
  };
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

/** Keeps a trail of every browser that was given to somebody: what it claimed to be, and how it came to be. */
function auditCreates(events: TypedEmitter<SessionEvents>, trail: AuditTrail): void {
  events.on('created', ({ sessionId, outcome, stealthLevel, identity }) => {
    const { os = null, seed = null } = identity?.fingerprint ?? {};
    trail.record({
      action: 'createSession',
      resourceType: 'session',
      resourceId: sessionId,
      outcome: outcome === 'failed' ? 'failure' : 'success',
      details: { start: outcome, stealthLevel, userAgent: identity?.userAgent ?? null, os, seed },
    });
  });
}
