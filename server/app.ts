import { mkdir } from 'node:fs/promises';

import type { FastifyInstance } from 'fastify';

import { findOwnedBrowsers, openFolderRoot, removeLeftovers } from './browser/index.ts';
import { ownUrl, startCluster } from './build-cluster.ts';
import { buildEgress } from './build-egress.ts';
import { buildInterfaces } from './build-interfaces.ts';
import { buildObjects } from './build-objects.ts';
import { buildParts } from './build-parts.ts';
import { findBrowserHost } from './find-browser-host.ts';
import { openStorage } from './open-storage.ts';
import { holdDataDir } from './platform/data-dir-lock.ts';
import type { Logger } from './platform/logger/logger.ts';
import type { AppLogger, Parts } from './parts.ts';
import type { Settings } from './settings/load-settings.ts';
import { startLoops } from './start-loops.ts';

const START_TIMEOUT_MS = 120_000;

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
 * Builds and starts the whole service except its listener.
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
      await parts.sessions.drain(settings.drainTimeoutMs, drainSignal);
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
  // A database of this service's own has no sessions but its own, whatever its name was.
  if (settings.mode === 'development' && settings.databaseUrl === undefined) await sessions.inheritAll();
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
