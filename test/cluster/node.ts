import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import type { Session } from '@guise/contract';

import { type Answer, send } from '../acceptance/http-client.ts';
import { listProcessesOf } from '../acceptance/processes.ts';
import { expectNothingLeft, openDataDir } from '../acceptance/service.ts';
import { until } from '../acceptance/until.ts';
import type { ServerAddresses } from './servers.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '../..');
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 40_000;
const KEY = 'a-secret-of-twenty-four-characters';
/** The keys of nodes, for settings that have others too. */
export const KEYS = `test:admin:${KEY}`;

/** What the nodes of a test are like unless it is about just that. */
const SETTINGS: NodeSettings = {
  CLOUD_MODE: 'true',
  HOST: '127.0.0.1',
  PORT: '0',
  CDP_PORT_BASE: '0',
  WARM_POOL_SIZE: '0',
  MEMORY_RESERVE_MB: '0',
  DRAIN_TIMEOUT_MS: '0',
  EGRESS_ALLOW: '127.0.0.0/8',
  API_KEYS: KEYS,
  LOG_LEVEL: 'debug',
};

export type NodeSettings = Readonly<Record<string, string>>;

/** One node of a cluster, as a process of its own. */
export interface ClusterNode {
  readonly name: string;
  readonly address: string;
  readonly pid: number;
  readonly dataDir: string;
  /** Sends a request with the test's key. */
  ask(path: string, options?: { method?: string; body?: object; headers?: Record<string, string> }): Promise<Answer>;
  /** Creates a session. @throws when it is refused */
  create(options?: object): Promise<Session>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves to the exit code when it is gone. */
  readonly exited: Promise<number | null>;
  /** What it has logged, a line an entry. */
  log(): string;
}

/** Headers by which a client of these tests is let in. */
export const KEY_HEADERS = { authorization: `Bearer ${KEY}` };

function startProcess(settings: NodeSettings): { child: ChildProcess; log: () => string } {
  const { PATH, HOME, CHROMIUM_PATH, XVFB_PATH } = process.env;
  const child = spawn(process.execPath, ['server/index.ts'], {
    cwd: CHECKOUT,
    env: { PATH, HOME, CHROMIUM_PATH, XVFB_PATH, ...settings },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => (log += chunk));
  }
  return { child, log: () => log };
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended with the one before.
  }
}

/** Starts a node on `servers` and waits until it answers. `stack` stops it, and checks that nothing of it is left. */
async function startNode(
  stack: AsyncDisposableStack,
  servers: ServerAddresses,
  settings: NodeSettings & { readonly NODE_ID: string },
): Promise<ClusterNode> {
  const dataDir = settings['DATA_DIR'] ?? (await openDataDir(stack));
  const { databaseUrl: DATABASE_URL, redisUrl: REDIS_URL } = servers;
  const { child, log } = startProcess({ ...SETTINGS, DATABASE_URL, REDIS_URL, DATA_DIR: dataDir, ...settings });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  stack.defer(async () => {
    if (!hasEnded()) {
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const isLate = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(isLate);
    }
    // Who was killed leaves its browsers to its next start, and there is none.
    if (child.signalCode !== null) for (const { pid } of listProcessesOf(dataDir)) endProcess(pid);
    await until('nothing of it is left', async () => {
      if (child.signalCode === null) await expectNothingLeft(dataDir);
      return listProcessesOf(dataDir).length === 0;
    });
  });
  const address = await until(
    `${settings.NODE_ID} is ready or has ended`,
    () => /"address":"(?<address>[^"]+)"[^\n]*guise is ready/.exec(log())?.[1] ?? (hasEnded() ? 'ended' : undefined),
    { timeoutMs: START_TIMEOUT_MS },
  );
  if (address === 'ended') throw new Error(`${settings.NODE_ID} did not start:\n${log()}`);
  const ask: ClusterNode['ask'] = (route, { method = 'GET', body, headers } = {}) =>
    send(`${address}${route}`, {
      method,
      headers: { ...KEY_HEADERS, ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
  return {
    name: settings.NODE_ID,
    address,
    pid: child.pid ?? 0,
    dataDir,
    ask,
    async create(options = {}) {
      const answer = await ask('/api/sessions', { method: 'POST', body: options });
      if (answer.status !== 201) throw new Error(`Create was refused with ${answer.status}: ${answer.text}`);
      return answer.json() as Session;
    },
    kill: (signal) => void child.kill(signal),
    exited,
    log,
  };
}

/** Starts nodes of these names at once, and waits until all know each other. */
export async function startNodes(
  stack: AsyncDisposableStack,
  servers: ServerAddresses,
  settings: Readonly<Record<string, NodeSettings>>,
): Promise<ClusterNode[]> {
  const nodes = await Promise.all(
    Object.entries(settings).map(([NODE_ID, own]) => startNode(stack, servers, { ...own, NODE_ID })),
  );
  await until('all nodes know each other', async () => {
    const views = await Promise.all(nodes.map(listOpenNodes));
    return views.every((names) => names.length === nodes.length);
  });
  return nodes;
}

/** Log levels of pino from which on a line tells of something unusual. */
const WARN = 40;
/** What a test that failed shows of each node's log. */
const MOST_LINES = 40;

/** Shows what nodes have logged that was unusual, for a test that has failed: what it saw itself seldom tells why. */
export function showLogs(nodes: readonly ClusterNode[]): void {
  for (const node of nodes) {
    const lines = node
      .log()
      .split('\n')
      .filter(
        (line) => Number(/"level":(\d+)/.exec(line)?.[1] ?? 0) >= WARN || /"msg":"browser|lost|joined/.test(line),
      );
    process.stdout.write(`${node.name}:\n${lines.slice(-MOST_LINES).join('\n')}\n`);
  }
}

interface StatusNode {
  readonly nodeId: string;
  readonly isOpen: boolean;
  readonly taken: number;
  readonly epoch: number;
}

/** The nodes one node knows of. */
export async function listKnownNodes(node: ClusterNode): Promise<readonly StatusNode[]> {
  const { cluster } = (await node.ask('/status')).json() as { cluster: { nodes: readonly StatusNode[] } };
  return cluster.nodes;
}

async function listOpenNodes(node: ClusterNode): Promise<string[]> {
  return (await listKnownNodes(node)).filter(({ isOpen }) => isOpen).map(({ nodeId }) => nodeId);
}
