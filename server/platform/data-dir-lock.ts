import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { platform } from 'node:os';
import { text } from 'node:stream/consumers';

const ANSWER_TIMEOUT_MS = 1_000;

/** Another service is at work in the data directory. */
export class DataDirHeldError extends Error {
  override readonly name = 'DataDirHeldError';
  readonly holder: string;

  constructor(dataDir: string, holder: string) {
    super(`The data directory ${dataDir} is already in use by ${holder}. Stop that service, or set another DATA_DIR.`);
    this.holder = holder;
  }
}

/** A name for the directory in Linux's abstract socket namespace (unix(7)), where nothing can be left behind. */
async function socketName(dataDir: string): Promise<string> {
  const hash = createHash('sha256')
    .update(await realpath(dataDir))
    .digest('hex');
  return `\0guise-data-dir-${hash.slice(0, 32)}`;
}

async function askHolder(name: string): Promise<string> {
  const socket = connect(name);
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
  // Whoever holds it may be ending this very moment.
  return text(socket).catch(() => 'another process');
}

/**
 * Takes a data directory for one service. Disposing gives it back; the kernel does when the process ends, however.
 *
 * Only on Linux; elsewhere nothing is checked. Two services that do not share a network namespace do not see each other.
 *
 * @throws {DataDirHeldError} naming the process that has it
 */
export async function holdDataDir(dataDir: string, processId: number): Promise<AsyncDisposable> {
  if (platform() !== 'linux') return { [Symbol.asyncDispose]: () => Promise.resolve() };
  const name = await socketName(dataDir);
  const server = createServer((socket) => socket.on('error', () => undefined).end(`process ${processId}`));
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(name, listening.resolve);
  try {
    await listening.promise;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new DataDirHeldError(dataDir, await askHolder(name));
  }
  server.unref();
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}
