import { inspect } from 'node:util';

import { createApp } from './app.ts';
import { HostError } from './find-browser-host.ts';
import { StorageError } from './open-storage.ts';
import { DataDirHeldError } from './platform/data-dir-lock.ts';
import { createLogger } from './platform/logger/pino-logger.ts';
import {
  DatabaseTooNewError,
  DataDirectoryInUseError,
  EmbeddedPostgresMissingError,
  MigrationError,
} from './platform/postgres/index.ts';
import { chooseMode, loadSettings, SettingsError } from './settings/load-settings.ts';

const SHUTDOWN_LIMIT_MS = 30_000;
/** Failures whose message says all that is needed. */
const FOR_THE_OPERATOR = [
  SettingsError,
  HostError,
  DataDirHeldError,
  StorageError,
  DataDirectoryInUseError,
  DatabaseTooNewError,
  EmbeddedPostgresMissingError,
  MigrationError,
];
/** Signals that arrive this close together are one request to stop. */
const SAME_REQUEST_MS = 1_000;
const CLOUD_NOT_AVAILABLE =
  'The cloud server is not part of this version. Unset CLOUD_MODE and NODE_ENV=production to run the development server.';

async function main(): Promise<void> {
  const settings = loadSettings(process.env);
  if (chooseMode(process.env) === 'cloud') throw new SettingsError([CLOUD_NOT_AVAILABLE]);
  const logger = createLogger({ level: settings.logLevel, isReadable: settings.mode === 'development' });
  if (settings.ignored.length > 0) {
    logger.warn({ settings: settings.ignored }, 'these settings have no effect in this version');
  }

  const app = await createApp(settings, logger, process.pid);
  process.on('exit', () => app.killBrowsers());
  let stoppingSince: number | undefined;
  const stop = (cause: string): void => {
    // One request often arrives twice, from a terminal and from whoever started us.
    if (stoppingSince !== undefined && performance.now() - stoppingSince < SAME_REQUEST_MS) return;
    // A second one means "now": whoever asks has stopped waiting for us.
    if (stoppingSince !== undefined) process.exit(1);
    stoppingSince = performance.now();
    logger.info({ cause }, 'shutting down');
    setTimeout(() => process.exit(1), SHUTDOWN_LIMIT_MS).unref();
    app[Symbol.asyncDispose]().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'shutdown was not clean');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop(signal));
  // The launcher holds the other end of this channel; it closes when the launcher is gone, however it went.
  process.once('disconnect', () => stop('launcher gone'));

  const address = await app.listen();
  logger.info({ address, docs: `${address}/docs`, mode: settings.mode }, 'guise is ready');
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
