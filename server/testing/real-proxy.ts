import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

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

/** Squid, spoken to as it is and over TLS. */
export interface Squid extends AsyncDisposable {
  readonly http: RealProxy;
  /** Certified by `authority`. */
  readonly https: RealProxy;
  /** PEM. */
  readonly authority: string;
}

/** A helper of Squid's that knows one user. */
const toHelper = ({ username, password }: ProxyCredentials): string =>
  `#!/bin/sh\nwhile read -r line; do if [ "$line" = '${username} ${password}' ]; then echo OK; else echo ERR; fi; done\n`;

async function makeCertificate(key: string, certificate: string): Promise<void> {
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const who = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  await promisify(execFile)('openssl', [...kind, ...who, '-keyout', key, '-out', certificate]);
  // Squid may have given up root before it reads it.
  await chmod(key, 0o644);
}

/** Squid, for whoever has these credentials. The caller must dispose it. */
export async function openSquid(credentials: ProxyCredentials): Promise<Squid> {
  await using stack = new AsyncDisposableStack();
  const folder = await openTestDirectory(stack);
  await chmod(folder, 0o777);
  const [helper, key, certificate, file] = ['helper', 'key.pem', 'certificate.pem', 'squid.conf'].map((name) =>
    path.join(folder, name),
  ) as [string, string, string, string];
  await makeCertificate(key, certificate);
  await writeFile(helper, toHelper(credentials), { mode: 0o755 });
  const [port, tlsPort] = [await findFreePort(), await findFreePort()];
  const lines = [
    `http_port 127.0.0.1:${port}`,
    `https_port 127.0.0.1:${tlsPort} tls-cert=${certificate} tls-key=${key}`,
    `auth_param basic program ${helper}`,
    'auth_param basic children 1',
    'acl known proxy_auth REQUIRED',
    // Connections to any port, for a site of the test.
    'http_access allow known',
    'http_access deny all',
    'cache deny all',
    'cache_mem 8 MB',
    'access_log none',
    'cache_store_log none',
    `cache_log ${path.join(folder, 'squid.log')}`,
    'pid_filename none',
    `coredump_dir ${folder}`,
    'shutdown_lifetime 0 seconds',
    'visible_hostname squid.test',
    '',
  ];
  await writeFile(file, lines.join('\n'));
  const http = stack.use(await run('squid', ['-N', '-f', file], port));
  const authority = await readFile(certificate, 'utf8');
  const owned = stack.move();
  return { http, https: { ...http, port: tlsPort }, authority, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
