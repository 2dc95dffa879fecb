import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

import { openTestDirectory } from '../../server/testing/test-directory.ts';
import { until } from '../../server/testing/until.ts';
import { tryConnect } from '../../test/acceptance/http-client.ts';

const CONFIG = path.resolve(import.meta.dirname, '../config');
const run = promisify(execFile);

/** A line of the gateway's log of requests. */
interface LogLine {
  readonly path: string;
  readonly status: number;
  readonly requestId: string;
  readonly client: string;
  /** Every node that was asked, in order, as `ADDRESS:PORT, ADDRESS:PORT`. */
  readonly node: string;
  readonly nodeStatus: string;
  readonly nodeSeconds: string;
}

export interface Gateway {
  readonly url: string;
  readonly httpsUrl: string;
  readonly port: number;
  readonly directory: string;
  /** All that nginx has printed, its log of requests included. */
  output(): Promise<string>;
  log(): Promise<readonly LogLine[]>;
}

export interface GatewayOptions {
  /** Ports of nodes on loopback. */
  readonly nodes: readonly number[];
  /** Where it listens; default: any free port. */
  readonly port?: number;
  /** Settings of render.sh. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What takes the place of what in nginx.conf or the list of nodes, such as a time-out that no test can wait for. */
  readonly edits?: Readonly<Record<string, string>>;
}

/** Settings that hold back nobody. */
export const ANY_RATE: Readonly<Record<string, string>> = Object.fromEntries(
  ['API', 'CREATE', 'ADDRESS'].flatMap((zone) => [
    [`GATEWAY_${zone}_RATE`, '100000'],
    [`GATEWAY_${zone}_BURST`, '100000'],
  ]),
);

/** A port that was free a moment ago. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}

/** Runs render.sh as the image's entrypoint would. @throws with what it printed */
export async function renderSettings(directory: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const env = { PATH: process.env['PATH'], GATEWAY_RUN_DIR: path.join(directory, 'run'), ...settings };
  await run('sh', [path.join(CONFIG, 'nginx/render.sh')], { env });
}

/** Copies the configuration to a folder of its own. nginx's workers, which are another user, may enter it. */
async function copyConfiguration(stack: AsyncDisposableStack): Promise<string> {
  const directory = await openTestDirectory(stack);
  await chmod(directory, 0o755);
  await cp(path.join(CONFIG, 'nginx'), path.join(directory, 'nginx'), { recursive: true });
  await cp(path.join(CONFIG, 'nginx.conf'), path.join(directory, 'nginx.conf'));
  return directory;
}

async function edit(directory: string, edits: NonNullable<GatewayOptions['edits']>): Promise<void> {
  const files = ['nginx.conf', 'run/upstream.conf'].map((name) => path.join(directory, name));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  for (const [before, after] of Object.entries(edits)) {
    if (!texts.some((text) => text.includes(before))) throw new Error(`No configuration has ${before}`);
    for (const [index, text] of texts.entries()) texts[index] = text.replaceAll(before, after);
  }
  await Promise.all(files.map((file, index) => writeFile(file, texts[index] ?? '')));
}

async function makeCertificate(directory: string): Promise<Record<string, string>> {
  const files = { key: path.join(directory, 'tls.key'), certificate: path.join(directory, 'tls.crt') };
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await run('openssl', [...request, '-subj', '/CN=localhost', '-keyout', files.key, '-out', files.certificate]);
  return { GATEWAY_TLS_CERTIFICATE: files.certificate, GATEWAY_TLS_KEY: files.key };
}

/**
 * Starts a real nginx with the project's own configuration in front of nodes on loopback. `stack` stops it. HTTPS is served too where
 * the settings say `GATEWAY_TLS: 'on'`, with a certificate made for it.
 */
export async function openGateway(stack: AsyncDisposableStack, options: GatewayOptions): Promise<Gateway> {
  const directory = await copyConfiguration(stack);
  const [port, httpsPort] = [options.port ?? (await findFreePort()), await findFreePort()];
  const certificate = options.settings?.['GATEWAY_TLS'] === 'on' ? await makeCertificate(directory) : {};
  await renderSettings(directory, {
    GATEWAY_RESOLVE: 'off', // Debian's nginx looks names up once.
    GATEWAY_WORKERS: '2',
    GATEWAY_POOL: options.nodes.map((node) => `127.0.0.1:${node}`).join(' '),
    GATEWAY_LISTEN: `127.0.0.1:${port}`,
    GATEWAY_TLS_LISTEN: `127.0.0.1:${httpsPort}`,
    ...certificate,
    ...options.settings,
  });
  await edit(directory, options.edits ?? {});
  const outputFile = path.join(directory, 'output.log');
  // A file and not a pipe: Node's pipes are sockets, which nginx cannot open as /dev/stdout.
  await using output = await open(outputFile, 'a');
  const args = ['-p', `${directory}/`, '-c', path.join(directory, 'nginx.conf')];
  const nginx = spawn('nginx', [...args, '-g', 'daemon off;'], { stdio: ['ignore', output.fd, output.fd] });
  const ended = once(nginx, 'exit');
  stack.defer(async () => {
    nginx.kill('SIGTERM');
    await ended;
  });
  const readOutput = (): Promise<string> => readFile(outputFile, 'utf8');
  await until(async () => {
    if (nginx.exitCode !== null) throw new Error(await readOutput());
    return (await tryConnect(port)) === 'connected';
  });
  return {
    url: `http://127.0.0.1:${port}`,
    httpsUrl: `https://127.0.0.1:${httpsPort}`,
    port,
    directory,
    output: readOutput,
    log: async () =>
      (await readOutput())
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as LogLine),
  };
}
