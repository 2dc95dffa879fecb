import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { promisify } from 'node:util';

import type { CreateProfile, Profile, SessionList } from '@guise/contract';
import type { TestProject } from 'vitest/node';

import { openBucket } from '../../cloud/testing/bucket.ts';
import { ANY_RATE, openGateway } from '../../cloud/testing/gateway.ts';
import { startTestRedis } from '../../server/testing/redis-server.ts';
import { type Api, connectApi, expectStatus } from '../acceptance/api.ts';
import { ROOT_SECRET } from '../acceptance/keyed-service.ts';
import { KEYS, startNodes } from '../cluster/node.ts';

const DATABASE = 'gateway';

/**
 * Brings up what the acceptance tests of this project are made on: three nodes on one PostgreSQL, one Redis and one object store, behind
 * nginx, which gives each request to any of them. With `GUISE_URL` and `GUISE_KEY`, the secret of an admin's key, it is what runs there.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using starting = new AsyncDisposableStack();
  const { GUISE_URL, GUISE_KEY } = process.env;
  const url = GUISE_URL ?? (await startCluster(starting, project));
  const key = GUISE_KEY ?? ROOT_SECRET;
  await makeSamples(starting, connectApi(url, key));
  if (GUISE_URL === undefined) starting.defer(() => expectNoSessions(url, key));
  project.provide('serviceElsewhere', { url, key });
  const running = starting.move();
  return async () => {
    try {
      await running.disposeAsync();
    } catch (error) {
      noteFault(error);
      throw error;
    }
  };
}

/** What is wrong at the end of a run is no test's failure, and would be forgotten where tests are run again. */
function noteFault(error: unknown): void {
  const { FAULTS_FILE } = process.env;
  if (FAULTS_FILE !== undefined) appendFileSync(FAULTS_FILE, `${String(error)}\n`);
}

async function startCluster(stack: AsyncDisposableStack, project: TestProject): Promise<string> {
  const settings = {
    MAX_SESSIONS: '40',
    WARM_POOL_SIZE: '1',
    API_KEYS: `${KEYS},root:admin:${ROOT_SECRET}`,
    ...(await openBucket(stack)),
  };
  const servers = {
    databaseUrl: await makeDatabase(project),
    redisUrl: (await startTestRedis(stack)).url,
  };
  const nodes = await startNodes(stack, servers, { 'node-a': settings, 'node-b': settings, 'node-c': settings });
  const ports = nodes.map(({ address }) => Number(new URL(address).port));
  // One after the other would give every second request of a session to the same node, and the least busy is often the same.
  const edits = { 'least_conn;': 'random;' };
  return (await openGateway(stack, { nodes: ports, settings: ANY_RATE, edits })).url;
}

async function makeDatabase(project: TestProject): Promise<string> {
  const { socketDir, user, maintenanceDatabase, templateDatabase } = project.getProvidedContext().testPostgresServer;
  const statement = `create database ${DATABASE} template ${templateDatabase}`;
  await promisify(execFile)('psql', ['-h', socketDir, '-U', user, '-d', maintenanceDatabase, '-X', '-c', statement]);
  return `postgres://${user}@localhost/${DATABASE}?host=${encodeURIComponent(socketDir)}`;
}

/** Each test ends what it has made; what is left then has been lost by the service. */
async function expectNoSessions(url: string, key: string): Promise<void> {
  const lists = ['INITIALIZING', 'ACTIVE', 'IDLE', 'UNHEALTHY', 'CLOSING'].map((state) =>
    connectApi(url, key).call('GET', `/api/sessions?state=${state}`),
  );
  const left = (await Promise.all(lists)).flatMap((answer) => expectStatus<SessionList>(answer, 200).sessions);
  const shown = left.map(({ id, state, createdAt, metadata }) => JSON.stringify({ id, state, createdAt, metadata }));
  if (left.length > 0) throw new Error(`Sessions were left: ${shown.join(', ')}`);
}

/** A development server has sample profiles; the tests take their fingerprints from them. `stack` deletes them. */
async function makeSamples(stack: AsyncDisposableStack, api: Api): Promise<void> {
  for (const os of ['windows', 'macos', 'linux', 'android'] as const) {
    const sample: CreateProfile = { name: `Sample ${os}`, tags: ['sample'], constraints: { os } };
    const { id } = expectStatus<Profile>(await api.call('POST', '/api/profiles', sample), 201);
    stack.defer(async () => void (await api.call('DELETE', `/api/profiles/${id}`)));
  }
}
