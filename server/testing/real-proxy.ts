import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';

import { openTestDirectory } from './test-directory.ts';
import { until } from './until.ts';

/** A proxy of somebody else, as its own process on loopback. */
export interface RealProxy extends AsyncDisposable {
  readonly port: number;
  /** Ends it at once, with all its connections. */
  kill(): Promise<void>;
}

/** Who may use a proxy. */
export interface ProxyCredentials {
  readonly username: string;
  readonly password: string;
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function run(program: string, args: readonly string[], port: number): Promise<RealProxy> {
  const child: ChildProcess = spawn(program, args, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  try {
    await until(() => isListening(port), { what: `${program} listens` });
  } catch (error) {
    await kill();
    throw error;
  }
  return { port, kill, [Symbol.asyncDispose]: kill };
}

/** Tinyproxy. The caller must dispose it. */
export async function openTinyproxy(credentials?: ProxyCredentials): Promise<RealProxy> {
  await using stack = new AsyncDisposableStack();
  const file = path.join(await openTestDirectory(stack), 'tinyproxy.conf');
  const port = await findFreePort();
  const auth = credentials === undefined ? [] : [`BasicAuth ${credentials.username} ${credentials.password}`];
  const lines = [`Port ${port}`, 'Listen 127.0.0.1', 'Timeout 600', 'MaxClients 100', 'LogLevel Critical', ...auth, ''];
  await writeFile(file, lines.join('\n'));
  // It has read its settings when it listens.
  return await run('tinyproxy', ['-d', '-c', file], port);
}

/** MicroSocks. The caller must dispose it. */
export async function openMicrosocks(credentials?: ProxyCredentials): Promise<RealProxy> {
  const port = await findFreePort();
  const auth = credentials === undefined ? [] : ['-u', credentials.username, '-P', credentials.password];
  return run('microsocks', ['-i', '127.0.0.1', '-p', String(port), ...auth], port);
}
