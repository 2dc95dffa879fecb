import { readFileSync } from 'node:fs';

import type { SessionEvent } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { connectRpc, type RpcClient } from './rpc-client.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const MIB = 1024 ** 2;
const OWN = { tags: 'own-process' };

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;

beforeAll(async () => {
  service = await startService(stack, { WARM_POOL_SIZE: '2' });
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());

async function connect(own: DisposableStack): Promise<RpcClient> {
  return own.use(await connectRpc(service.address, service.key));
}

/** Events a client was sent, oldest first. */
function eventsOf(client: RpcClient, subscriptionId?: unknown): SessionEvent[] {
  return client.notifications
    .filter(
      ({ method, params }) =>
        method === 'event' && (subscriptionId ?? params['subscriptionId']) === params['subscriptionId'],
    )
    .map(({ params }) => params['event'] as SessionEvent);
}

function notificationsOf(client: RpcClient, name: string): Record<string, unknown>[] {
  return client.notifications.filter(({ method }) => method === name).map(({ params }) => params);
}

async function historyOf(id: string): Promise<SessionEvent[]> {
  return expectStatus<{ events: SessionEvent[] }>(await api.call('GET', `/api/sessions/${id}/events`), 200).events;
}

function byId(events: readonly SessionEvent[]): SessionEvent[] {
  return events.toSorted((a, b) => a.id - b.id);
}

/** Memory of the service's own process. */
function residentBytes(): number {
  const status = readFileSync(`/proc/${service.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
}

describe('a subscription to one session', () => {
  it('gives what happens from then on, or from an event on, until the session is closed', async () => {
    using own = new DisposableStack();
    const client = await connect(own);
    const { id: sessionId } = await api.create();
    const past = await historyOf(sessionId);
    const fresh = await client.call('subscribe', { topics: ['events'], sessionId });
    expect(fresh['lastEventId']).toBe(past.at(-1)?.id);
    const whole = await client.call('subscribe', { topics: ['events'], sessionId, after: 0 });
    expect(whole['lastEventId']).toBe(0);
    await api.call('PATCH', `/api/sessions/${sessionId}`, { metadata: { seen: 'yes' } });
    await api.end(sessionId);
    await until('both have ended', () => notificationsOf(client, 'ended').length === 2);
    const all = await historyOf(sessionId);
    expect(eventsOf(client, whole['subscriptionId'])).toEqual(all);
    expect(eventsOf(client, fresh['subscriptionId'])).toEqual(all.slice(past.length));
    expect(notificationsOf(client, 'ended').map(({ problem }) => problem)).toEqual([null, null]);
    expect(await client.call('unsubscribe', { subscriptionId: whole['subscriptionId'] })).toEqual({
      wasSubscribed: false,
    });

    // Of a session that has ended there is the past, and the end.
    const late = await client.call('subscribe', { topics: ['events'], sessionId, after: past.at(-1)?.id });
    await until('that has ended too', () => notificationsOf(client, 'ended').length === 3);
    expect(eventsOf(client, late['subscriptionId'])).toEqual(all.slice(past.length));
  });

  it('is refused for a session that is none, and for what cannot be taken up again', async () => {
    using own = new DisposableStack();
    const client = await connect(own);
    const sessionId = '00000000-0000-4000-8000-000000000000';
    const unknown = await client.ask('subscribe', { topics: ['events'], sessionId });
    expect(unknown.error?.data.code).toBe('SESSION_NOT_FOUND');
    for (const [params, path] of [
      [{ topics: [] }, '/topics'],
      [{ topics: ['weather'] }, '/topics/0'],
      [{ topics: ['metrics'], after: 1 }, '/after'],
    ] as const) {
      const { error } = await client.ask('subscribe', params);
      expect([error?.code, error?.data.errors?.[0]?.path]).toEqual([-32_602, path]);
    }
  });
});

describe('a subscription to all sessions', () => {
  it('gives the events of each, and nothing after it was ended', async () => {
    using own = new DisposableStack();
    const client = await connect(own);
    const { subscriptionId } = await client.call('subscribe', { topics: ['events'] });
    const sessions = await Promise.all([api.create(), api.create()]);
    await Promise.all(sessions.map(({ id }) => api.end(id)));
    const wanted = byId((await Promise.all(sessions.map(({ id }) => historyOf(id)))).flat());
    await until('all have arrived', () => eventsOf(client).length >= wanted.length);
    expect(byId(eventsOf(client))).toEqual(wanted);

    expect(await client.call('unsubscribe', { subscriptionId })).toEqual({ wasSubscribed: true });
    await api.end((await api.create()).id);
    await client.call('session.list', { limit: 1 });
    expect(eventsOf(client)).toHaveLength(wanted.length);
  });

  it('is taken up again after every cut of the connection: nothing is lost, nothing comes twice', async () => {
    using own = new DisposableStack();
    let client = await connect(own);
    const { lastEventId } = await client.call('subscribe', { topics: ['events'] });
    let after = lastEventId as number;
    const seen: SessionEvent[] = [];
    const ids: string[] = [];
    const comeAndGo = async (): Promise<void> => {
      for (let round = 0; round < 6; round += 1) {
        const { id } = await api.create();
        ids.push(id);
        await api.call('PATCH', `/api/sessions/${id}`, { metadata: { round: String(round) } });
        await api.end(id);
      }
    };
    const busy = Promise.all([comeAndGo(), comeAndGo(), comeAndGo()]).then(() => 'done' as const);
    let cuts = 0;
    const cut = async (): Promise<void> => {
      // Whatever is on its way is lost with the connection.
      client[Symbol.dispose]();
      const received = eventsOf(client);
      seen.push(...received);
      after = received.at(-1)?.id ?? after;
      client = await connect(own);
      await client.call('subscribe', { topics: ['events'], after });
      cuts += 1;
    };
    while ((await Promise.race([busy, until('some have arrived', () => eventsOf(client).length >= 3)])) !== 'done')
      await cut();
    const wanted = byId((await Promise.all(ids.map(historyOf))).flat());
    await until('all have arrived', () => seen.length + eventsOf(client).length >= wanted.length);
    await cut();
    expect(cuts).toBeGreaterThan(5);
    // A session of another test may still have something to tell.
    expect(byId(seen.filter(({ sessionId }) => ids.includes(sessionId)))).toEqual(wanted);
  });

  it('tells what sessions use as it is measured', async () => {
    using own = new DisposableStack();
    const client = await connect(own);
    const { id } = await api.create();
    const { subscriptionId, lastEventId } = await client.call('subscribe', { topics: ['metrics'], sessionId: id });
    expect(lastEventId).toBeNull();
    const [first] = await until('a sample has arrived', () => {
      const samples = notificationsOf(client, 'metrics');
      return samples.length > 0 && samples;
    });
    expect(first).toMatchObject({ subscriptionId, sessionId: id });
    expect((first?.['usage'] as { memoryBytes: number }).memoryBytes).toBeGreaterThan(10 * MIB);
    await api.end(id);
    await until('it has ended', () => notificationsOf(client, 'ended').length === 1);
  });
});

describe('a client that does not read', () => {
  it('costs no memory beyond a limit, gets its events later, and is told what it has missed', OWN, async () => {
    using own = new DisposableStack();
    const client = await connect(own);
    const { id: sessionId } = await api.create();
    await client.call('subscribe', { topics: ['events', 'metrics'], sessionId });
    const code = '"x".repeat(4 * 1024 ** 2)';
    await client.call('session.execute', { sessionId, code });
    const before = residentBytes();
    client.socket.pause();
    // 800 MiB, if all of it were made and kept; what is under way at once, with what the collector has not come to, is half of that.
    const answers = Array.from({ length: 200 }, () => client.ask('session.execute', { sessionId, code }));
    const metadata = Array.from({ length: 200 }, (_, round) => ({ round: String(round) }));
    for (const each of metadata) await api.call('PATCH', `/api/sessions/${sessionId}`, { metadata: each });
    let most = 0;
    const deadline = performance.now() + 12_000;
    await until(
      'samples have been left out',
      () => {
        most = Math.max(most, residentBytes());
        return performance.now() > deadline;
      },
      { timeoutMs: 20_000 },
    );
    expect((most - before) / MIB).toBeLessThan(600);
    client.socket.resume();
    const results = await Promise.all(answers);
    expect(results.every(({ result }) => (result as { result: string }).result.length === 4 * MIB)).toBe(true);
    await until('it is told', () => notificationsOf(client, 'missed').length > 0);
    expect(notificationsOf(client, 'missed')[0]).toMatchObject({
      topic: 'metrics',
      count: expect.any(Number) as number,
    });
    await api.end(sessionId);
    await until('the end has come', () => notificationsOf(client, 'ended').length === 1);
    const updates = (await historyOf(sessionId)).filter(({ type }) => type === 'updated');
    expect(updates).toHaveLength(metadata.length);
    expect(eventsOf(client).filter(({ type }) => type === 'updated')).toEqual(updates);
  });
});
