import { inspect } from 'node:util';

import { type App, createApp } from './app.ts';
import { FolderRootError } from './browser/index.ts';
import { HostError } from './find-browser-host.ts';
import { StorageError } from './open-storage.ts';
import { DataDirHeldError } from './platform/data-dir-lock.ts';
import { createLogger } from './platform/logger/pino-logger.ts';
import { ObjectStoreError } from './platform/objects/index.ts';
import {
  DatabaseTooNewError,
  DataDirectoryInUseError,
  EmbeddedPostgresMissingError,
  MigrationError,
} from './platform/postgres/index.ts';
import { loadSettings, type Settings, SettingsError } from './settings/load-settings.ts';

const SHUTDOWN_LIMIT_MS = 30_000;
/** Failures whose message says all that is needed. */
const FOR_THE_OPERATOR = [
  SettingsError,
  HostError,
  DataDirHeldError,
  FolderRootError,
  StorageError,
  DataDirectoryInUseError,
  DatabaseTooNewError,
  EmbeddedPostgresMissingError,
  MigrationError,
  ObjectStoreError,
];
/** Signals that arrive this close together are one request to stop. */
const SAME_REQUEST_MS = 1_000;

/** A service that starts, runs, and stops once. */
class Main {
  readonly #logger: ReturnType<typeof createLogger>;
  readonly #stop = new AbortController();
  /** Aborted when the stop is not to wait for sessions any more. */
  readonly #hurry = new AbortController();
  #app: App | undefined;
  #stoppingSince: number | undefined;
  #isDraining = false;

  constructor(logger: ReturnType<typeof createLogger>) {
    this.#logger = logger;
  }

  async start(settings: Settings): Promise<void> {
    const { signal } = this.#stop;
    try {
      this.#app = await createApp(settings, this.#logger, { processId: process.pid, stop: signal });
    } catch (error) {
      if (signal.aborted) process.exit(0);
      throw error;
    }
    process.on('exit', () => this.#app?.killBrowsers());
    // Somebody may have asked while the last steps of the start could not be broken off.
    if (signal.aborted) return this.#finish(this.#app);
    const address = await this.#listen(this.#app);
    this.#logger.info({ address, docs: `${address}/docs`, mode: settings.mode }, 'guise is ready');
  }

  /** An address that cannot be had ends the service like any other stop. */
  async #listen(app: App): Promise<string> {
    try {
      return await app.listen();
    } catch (error) {
      this.#limitShutdown();
      await app[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Asks for a stop; a second time, for one that waits for nobody; a third time, for an immediate one. */
  stop(cause: string): void {
    // One request often arrives twice, from a terminal and from whoever started us.
    const now = performance.now();
    if (this.#stoppingSince !== undefined && now - this.#stoppingSince < SAME_REQUEST_MS) return;
    const isRepeated = this.#stoppingSince !== undefined;
    this.#stoppingSince = now;
    if (isRepeated) {
      // Whoever asks again has stopped waiting for us.
      if (!this.#isDraining || this.#hurry.signal.aborted) process.exit(1);
      this.#logger.info({ cause }, 'waiting for sessions no longer');
      this.#hurry.abort();
      this.#limitShutdown();
      return;
    }
    this.#logger.info({ cause }, 'shutting down');
    this.#stop.abort(new Error(`Stopped: ${cause}`));
    if (this.#app === undefined) this.#limitShutdown();
    else void this.#finish(this.#app);
  }

  async #finish(app: App): Promise<never> {
    this.#isDraining = true;
    await app.drain(this.#hurry.signal);
    this.#isDraining = false;
    this.#limitShutdown();
    try {
      await app[Symbol.asyncDispose]();
    } catch (error) {
      this.#logger.error({ err: error }, 'shutdown was not clean');
      process.exit(1);
    }
    process.exit(0);
  }

  /** Ends the process when its end takes too long, and says what it waited for, as far as the runtime knows. */
  #limitShutdown(): void {
    setTimeout(() => {
      const resources = process.getActiveResourcesInfo();
      this.#logger.error({ limitMs: SHUTDOWN_LIMIT_MS, resources }, 'shutdown took too long');
      process.exit(1);
    }, SHUTDOWN_LIMIT_MS).unref();
  }
}

async function main(): Promise<void> {
  const settings = loadSettings(process.env);
  const { logLevel: level, nodeId } = settings;
  const logger = createLogger({ level, isReadable: settings.mode === 'development', nodeId });
  if (settings.ignored.length > 0) {
    logger.warn({ settings: settings.ignored }, 'these settings have no effect in this version');
  }
  const service = new Main(logger);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => service.stop(signal));
  // The launcher holds the other end of this channel; it closes when the launcher is gone, however it went.
  process.once('disconnect', () => service.stop('launcher gone'));
  await service.start(settings);
}

/** What to tell whoever started us: a sentence for what they can mend, everything we know for what they cannot. */
function explain(error: unknown): string {
  if (FOR_THE_OPERATOR.some((kind) => error instanceof kind)) return (error as Error).message;
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `Port ${port ?? '?'} is in use. Stop what listens there, or set another PORT.`;
  return inspect(error);
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
});
