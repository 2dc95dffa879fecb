import type { Session, SessionEventList, SessionList } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { send, tryConnect } from './http-client.ts';
import { expectProblem } from './problem.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const HALF_AN_HOUR_MS = 1_800_000;

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;

beforeAll(async () => {
  service = await startService(stack, { WARM_POOL_SIZE: '2' });
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());

const list = async (query: string): Promise<SessionList> =>
  expectStatus<SessionList>(await api.call('GET', `/api/sessions?${query}`), 200);

/** Ids of all sessions a query finds, page by page. */
async function listAll(query: string, limit: number): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  let pages = 0;
  for (let cursor = ''; ;) {
    const page = await list(`${query}&limit=${limit}${cursor}`);
    pages += 1;
    ids.push(...page.sessions.map(({ id }) => id));
    if (page.nextCursor === null) return { ids, pages };
    cursor = `&cursor=${page.nextCursor}`;
  }
}

describe('a create', () => {
  it('answers 201 with the session, on both of its routes, without a body or with an empty one', async () => {
    for (const path of ['/api/sessions/create', '/api/sessions']) {
      for (const body of [undefined, {}]) {
        const answer = await api.call('POST', path, body);
        const session = expectStatus<Session>(answer, 201);
        expect(session).toMatchObject({
          id: expect.stringMatching(UUID) as string,
          state: 'ACTIVE',
          closeReason: null,
          nodeId: expect.stringMatching(/./) as string,
          headless: true,
          stealthLevel: 'advanced',
          timeoutMs: HALF_AN_HOUR_MS,
          maxLifetimeMs: null,
          metadata: {},
          error: null,
          closedAt: null,
          cdpPort: expect.any(Number) as number,
          cdpUrl: expect.stringMatching(
            `^${service.address.replace('http', 'ws')}/api/sessions/${session.id}/cdp\\?token=[\\w-]+$`,
          ) as string,
          liveUrl: expect.stringMatching(/^ws:/) as string,
          identity: {
            browserVersion: expect.stringMatching(/^\d+(\.\d+){3}$/) as string,
            locale: 'en-US',
            fingerprint: { schema: 'guise/fingerprint/1', os: 'windows', locale: 'en-US' },
          },
        });
        expect(answer.headers.location).toBe(`/api/sessions/${session.id}`);
        expect(Date.parse(session.expiresAt) - Date.parse(session.lastActivityAt)).toBe(HALF_AN_HOUR_MS);
        expect(await api.get(session.id)).toMatchObject({ id: session.id, cdpUrl: session.cdpUrl });
        await api.end(session.id);
      }
    }
  });

  it('takes what the body asks for into the session', async () => {
    const options = {
      metadata: { team: 'a', 'purpose of it': 'ä ✓ 😀' },
      timeoutMs: 60_000,
      maxLifetimeMs: 120_000,
      stealthLevel: 'none',
      viewport: { width: 800, height: 600 },
    } as const;
    const session = await api.create(options);
    const { viewport, ...others } = options;
    expect(session).toMatchObject({ ...others, identity: { viewport } });
    expect(await api.get(session.id)).toMatchObject({ ...others, identity: { viewport } });
    await api.end(session.id);
  });

  it('gives every session a browser, a port and a token of its own', { tags: 'same-machine' }, async () => {
    const sessions = await Promise.all([api.create(), api.create(), api.create()]);
    const tokens = sessions.map(({ cdpUrl }) => cdpUrl?.split('token=')[1]);
    const pids = await Promise.all(sessions.map(({ id }) => api.evaluate(id, 'Math.random()')));
    for (const values of [sessions.map(({ cdpPort }) => cdpPort), tokens, pids]) {
      expect(new Set(values).size).toBe(3);
    }
    for (const { cdpPort } of sessions) expect(await tryConnect(cdpPort ?? 0)).toBe('connected');
    await Promise.all(sessions.map(({ id }) => api.end(id)));
    for (const { cdpPort } of sessions) expect(await tryConnect(cdpPort ?? 0)).toBe('ECONNREFUSED');
  });

  it('shows addresses under the name its client itself has used', async () => {
    const address = service.address.replace('127.0.0.1', 'localhost');
    const { port } = new URL(service.address);
    const answer = await send(`${service.address}/api/sessions`, {
      method: 'POST',
      headers: { ...service.headers, host: `localhost:${port}` },
    });
    const { id, cdpUrl } = expectStatus<Session>(answer, 201);
    expect(cdpUrl?.startsWith(`${address.replace('http', 'ws')}/`)).toBe(true);
    await api.end(id);
  });
});

describe('the list', () => {
  it('is newest first, and is filtered by state, node and labels', async () => {
    const label = { suite: 'filters' };
    const first = await api.create({ metadata: { ...label, team: 'a', 'with.dot': 'x' } });
    const second = await api.create({ metadata: { ...label, team: 'b' } });
    await api.end(first.id);
    const ids = async (query: string): Promise<string[]> => (await list(query)).sessions.map(({ id }) => id);
    expect(await ids('metadata.suite=filters')).toEqual([second.id, first.id]);
    expect(await ids('metadata.suite=filters&metadata.team=a')).toEqual([first.id]);
    expect(await ids('metadata.suite=filters&metadata.with.dot=x')).toEqual([first.id]);
    expect(await ids('metadata.suite=filters&state=CLOSED')).toEqual([first.id]);
    expect(await ids('metadata.suite=filters&state=ACTIVE')).toEqual([second.id]);
    expect(await ids(`metadata.suite=filters&nodeId=${first.nodeId}`)).toContain(first.id);
    expect(await ids('nodeId=another')).toEqual([]);
    expect(await ids('metadata.team=nobody')).toEqual([]);
    expectProblem(await api.call('GET', '/api/sessions?state=SLEEPING'), 400, 'VALIDATION_FAILED');
    expectProblem(await api.call('GET', '/api/sessions?limit=0'), 400, 'VALIDATION_FAILED');
    await api.end(second.id);
  });

  it('comes in pages that neither repeat nor skip a session, also while others are created', async () => {
    const created: string[] = [];
    for (let count = 0; count < 7; count += 1) {
      const { id } = await api.create({ metadata: { suite: 'pages' } });
      created.unshift(id);
      await api.end(id);
    }
    const { ids, pages } = await listAll('metadata.suite=pages', 3);
    expect(ids).toEqual(created);
    expect(pages).toBe(3);
    const exact = await list('metadata.suite=pages&limit=7');
    expect([exact.sessions.length, exact.nextCursor]).toEqual([7, null]);

    const page = await list('metadata.suite=pages&limit=4');
    const { id: newer } = await api.create({ metadata: { suite: 'pages' } });
    const rest = await list(`metadata.suite=pages&limit=4&cursor=${page.nextCursor ?? ''}`);
    expect([...page.sessions, ...rest.sessions].map(({ id }) => id)).toEqual(created);
    await api.end(newer);
  });
});

describe('a delete', () => {
  it('returns when the browser is gone, and may be repeated', async () => {
    const { id, cdpPort } = await api.create({ metadata: { suite: 'delete' }, viewport: { width: 640, height: 480 } });
    const [first, second] = await Promise.all([api.end(id), api.end(id)]);
    expect(await tryConnect(cdpPort ?? 0)).toBe('ECONNREFUSED');
    const third = await api.end(id);
    for (const session of [first, second, third]) {
      expect(session).toMatchObject({ id, state: 'CLOSED', closeReason: 'requested', cdpPort: null, cdpUrl: null });
    }
    expect(third.closedAt).toBe(first.closedAt);
  });
});

describe('a patch', () => {
  it('changes time-outs and labels, keeps what it does not name, and shows in the history', async () => {
    const { id, createdAt } = await api.create({ metadata: { old: 'yes' }, timeoutMs: 60_000 });
    const patch = async (body: object): Promise<Session> =>
      expectStatus<Session>(await api.call('PATCH', `/api/sessions/${id}`, body), 200);
    expect(await patch({ timeoutMs: 90_000 })).toMatchObject({ timeoutMs: 90_000, metadata: { old: 'yes' } });
    expect(await patch({ metadata: { new: 'yes' } })).toMatchObject({ timeoutMs: 90_000, metadata: { new: 'yes' } });
    const limited = await patch({ maxLifetimeMs: 30_000 });
    expect(Date.parse(limited.expiresAt)).toBe(Date.parse(createdAt) + 30_000);
    expect(await patch({ maxLifetimeMs: null })).toMatchObject({ maxLifetimeMs: null, timeoutMs: 90_000 });
    expect((await api.get(id)).metadata).toEqual({ new: 'yes' });
    expect((await list('metadata.new=yes')).sessions.map((session) => session.id)).toEqual([id]);
    const { events } = expectStatus<SessionEventList>(await api.call('GET', `/api/sessions/${id}/events`), 200);
    expect(events.filter(({ type }) => type === 'updated')).toHaveLength(4);
    expectProblem(await api.call('PATCH', `/api/sessions/${id}`, {}), 400, 'VALIDATION_FAILED');
    expectProblem(await api.call('PATCH', `/api/sessions/${id}`, { state: 'CLOSED' }), 400, 'VALIDATION_FAILED');
    await api.end(id);
  });
});

describe('a keepalive', () => {
  it('moves the moment at which the session expires', async () => {
    const session = await api.create({ timeoutMs: 60_000 });
    const kept = await until('it expires later', async () => {
      const answer = expectStatus<Session>(await api.call('POST', `/api/sessions/${session.id}/keepalive`), 200);
      return Date.parse(answer.expiresAt) > Date.parse(session.expiresAt) && answer;
    });
    expect(Date.parse(kept.expiresAt) - Date.parse(kept.lastActivityAt)).toBe(60_000);
    await api.end(session.id);
  });

  it('does not move it beyond the longest life', async () => {
    const { id, createdAt } = await api.create({ timeoutMs: 60_000, maxLifetimeMs: 20_000 });
    const kept = expectStatus<Session>(await api.call('POST', `/api/sessions/${id}/keepalive`), 200);
    expect(Date.parse(kept.expiresAt)).toBe(Date.parse(createdAt) + 20_000);
    await api.end(id);
  });
});

describe('the history', () => {
  it('tells every move in order, each with its reason', async () => {
    const { id } = await api.create();
    await api.end(id);
    const { events } = expectStatus<SessionEventList>(await api.call('GET', `/api/sessions/${id}/events`), 200);
    expect(events.map(({ type, fromState, toState, reason }) => ({ type, fromState, toState, reason }))).toEqual([
      { type: 'created', fromState: null, toState: 'INITIALIZING', reason: 'requested' },
      {
        type: 'stateChanged',
        fromState: 'INITIALIZING',
        toState: 'ACTIVE',
        reason: expect.stringMatching(/./) as string,
      },
      { type: 'stateChanged', fromState: 'ACTIVE', toState: 'CLOSING', reason: 'requested' },
      { type: 'stateChanged', fromState: 'CLOSING', toState: 'CLOSED', reason: expect.stringMatching(/./) as string },
    ]);
    const ids = events.map((event) => event.id);
    expect(ids).toEqual([...ids].sort((one, other) => one - other));
    expect(events.every(({ sessionId }) => sessionId === id)).toBe(true);
    const moments = events.map(({ createdAt }) => Date.parse(createdAt));
    expect(moments).toEqual([...moments].sort((one, other) => one - other));
  });
});
