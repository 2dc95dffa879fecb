import { readdir } from 'node:fs/promises';
import { Agent } from 'node:http';
import path from 'node:path';

import type { Session } from '@guise/contract';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Api } from './api.ts';
import { type Answer, send } from './http-client.ts';
import { listBrowsers } from './processes.ts';
import { readProblem } from './problem.ts';
import { type RandomRequest, randomRequest } from './random-requests.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const BODIES = 10_000;
const BATCH = 25;
const AT_ONCE = 8;
const POOL_SIZE = 1;
/** Sessions the requests are sent to; any further one is deleted at once. */
const SHARED = 2;

const stack = new AsyncDisposableStack();
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
stack.defer(() => agent.destroy());
let service: Service;
let api: Api;
const shared: string[] = [];
const statuses = new Map<number, number>();

beforeAll(async () => {
  service = await startService(stack, { WARM_POOL_SIZE: String(POOL_SIZE) });
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());

/** What a request is sent to lives: a random PATCH may well have given it a short life. */
async function keepShared(): Promise<void> {
  for (let index = 0; index < SHARED; index += 1) {
    const id = shared[index];
    const state = id === undefined ? 'CLOSED' : (await api.get(id)).state;
    if (state !== 'CLOSED' && state !== 'CLOSING') continue;
    shared[index] = (await api.create({ metadata: { shared: 'yes' } })).id;
  }
}

async function sendRandom({ method, path: pattern, contentType, body }: RandomRequest, index: number): Promise<Answer> {
  const id = shared[index % SHARED] ?? '';
  const headers = { ...service.headers, ...(contentType === '' ? {} : { 'content-type': contentType }) };
  return send(`${service.address}${pattern.replace('{id}', id)}`, { method, headers, body, agent });
}

/** The property: an answer is a success, or a refusal with a complete problem document and never our fault. */
async function judge(request: RandomRequest, answer: Answer): Promise<void> {
  statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
  if (answer.status < 400) {
    if (answer.status === 201) await api.end((answer.json() as Session).id);
    return;
  }
  const shown = JSON.stringify({ ...request, body: request.body.slice(0, 300), answer: answer.text.slice(0, 500) });
  if (answer.status >= 500 && answer.status !== 504) throw new Error(`${answer.status} for ${shown}`);
  if (answer.status === 504 && !/\{id\}\/(execute|navigate|screenshot|pdf)$/.test(request.path)) throw new Error(shown);
  readProblem(answer);
}

async function runBatch(batch: readonly RandomRequest[]): Promise<void> {
  await keepShared();
  const waiting = batch.entries();
  const work = async (): Promise<void> => {
    for (const [index, request] of waiting) await judge(request, await sendRandom(request, index));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

const atRest = async (): Promise<boolean> => {
  const { sessions, warmPool } = await api.status();
  return sessions.live === 0 && sessions.queued === 0 && warmPool.ready === POOL_SIZE;
};

describe('the service', () => {
  it(
    `answers ${BODIES} random bodies without a failure of its own, and goes on`,
    { timeout: 10 * 60_000, tags: 'same-machine' },
    async () => {
      await until('it is at rest', atRest, { timeoutMs: 30_000 });
      const startedAt = performance.now();
      const batches = fc.array(randomRequest, { minLength: BATCH, maxLength: BATCH, size: 'max' });
      // A batch is not shrunk: each attempt would be as slow as the first, and the message names the request.
      await fc.assert(fc.asyncProperty(batches, runBatch), { numRuns: BODIES / BATCH, endOnFailure: true });
      const sent = statuses.values().reduce((sum, each) => sum + each);
      const seconds = Math.round((performance.now() - startedAt) / 1_000);
      const counts = [...statuses]
        .sort(([one], [other]) => one - other)
        .map(([status, times]) => `${status}: ${times}`);
      process.stdout.write(`${sent} random bodies in ${seconds} s: ${counts.join(', ')}\n`);
      expect(sent).toBe(BODIES);
      // Otherwise the bodies were of one kind only, and prove little.
      for (const status of [200, 400, 404, 415, 422]) expect(statuses.get(status)).toBeGreaterThan(0);

      expect((await api.call('GET', '/health')).status).toBe(200);
      for (const id of shared) await api.end(id);
      const { id } = await api.create();
      expect(await api.evaluate(id, '6 * 7')).toBe(42);
      await api.end(id);
      await until('it is at rest again', atRest, { timeoutMs: 30_000 });
    },
  );

  it('holds no browser and no folder of theirs after that', { tags: 'own-process' }, async () => {
    expect(listBrowsers(service.dataDir)).toHaveLength(POOL_SIZE);
    await until('no folder more than before', async () => {
      return (await readdir(path.join(service.dataDir, 'browsers'))).length === POOL_SIZE;
    });
  });
});
