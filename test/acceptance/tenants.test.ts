import type { ListSessionsQuery, Profile, Proxy, Session, SessionEvent } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { send } from './http-client.ts';
import { type KeyedService, type KeyHolder, startKeyedService } from './keyed-service.ts';
import { listOperations } from './openapi.ts';
import { expectProblem } from './problem.ts';
import { saveProfile } from './profile-api.ts';
import { connectRpc } from './rpc-client.ts';
import { until } from './until.ts';

const NOWHERE = '00000000-0000-4000-8000-000000000000';
/** Bodies that routes take, where they take one; others go without. */
const BODIES: Readonly<Record<string, unknown>> = {
  updateSession: { metadata: { stolen: 'yes' } },
  executeScript: { code: '1' },
  navigate: { url: 'about:blank' },
  sendInput: { actions: [{ type: 'wait', ms: 1 }] },
  replaceCookies: { cookies: [] },
  updateProfile: { name: 'Stolen' },
  restoreProfileState: { version: 1 },
  replaceProfileCookies: { cookies: [] },
  updateProxy: { name: 'Stolen' },
};

let stack: AsyncDisposableStack;
let keyed: KeyedService;
let alice: KeyHolder;
let bob: KeyHolder;
let session: Session;
let profile: Profile;
let proxy: Proxy;

beforeAll(async () => {
  await using starting = new AsyncDisposableStack();
  keyed = await startKeyedService(starting);
  alice = await keyed.hand({ name: 'alice', role: 'user' });
  bob = await keyed.hand({ name: 'bob', role: 'user' });
  session = await alice.api.create({ metadata: { team: 'a' } });
  starting.defer(async () => void (await alice.api.end(session.id)));
  const { fingerprint } = (await keyed.root.call('POST', '/api/profiles/generate', {})).json() as Profile;
  profile = await saveProfile(alice.api, { fingerprint });
  const address = { url: 'socks5h://127.0.0.1:9', rotationGroup: 'pool' };
  proxy = expectStatus<Proxy>(await alice.api.call('POST', '/api/proxies', address), 201);
  stack = starting.move();
});
afterAll(() => stack.disposeAsync());

/** Which of the three an actor finds in its lists. */
async function listAll(api: Api): Promise<string[]> {
  const lists = await Promise.all(
    ['sessions', 'profiles', 'proxies'].map(async (kind) => {
      const list = (await api.call('GET', `/api/${kind}?limit=200`)).json() as Record<string, { id: string }[]>;
      return (list[kind] ?? []).map(({ id }) => id);
    }),
  );
  return lists.flat();
}

describe('two tenants', () => {
  it('see each other nowhere: every route answers as if there were nothing', async () => {
    const document = (await send(`${keyed.service.address}/openapi.json`)).json();
    const ids = { sessionId: session.id, profileId: profile.id, proxyId: proxy.id };
    const owned = listOperations(document).filter(({ route }) => /\{(session|profile|proxy)Id\}/.test(route));
    expect(owned.length).toBeGreaterThan(25);
    for (const { route, operation } of owned) {
      const [method = '', pattern = ''] = route.split(' ');
      const name = String(operation['operationId']);
      const ask = (id?: string) =>
        bob.api.call(
          method,
          pattern.replaceAll(/\{(\w+)\}/g, (_, kind: keyof typeof ids) => id ?? ids[kind]),
          BODIES[name] ?? (method === 'GET' || method === 'DELETE' ? undefined : {}),
        );
      const [real, none] = [await ask(), await ask(NOWHERE)];
      expect(real.status, `${route} ${real.text}`).toBe(404);
      const [told, toldOfNone] = [real, none].map(({ text }) =>
        text.replaceAll(/"(requestId|instance)":"[^"]*"/g, '').replaceAll(/[0-9a-f-]{36}/g, 'ID'),
      );
      expect(told, route).toBe(toldOfNone);
    }
    expect(await keyed.root.get(session.id)).toMatchObject({ metadata: { team: 'a' }, state: session.state });
    expect((await alice.api.call('GET', `/api/profiles/${profile.id}`)).json()).toEqual(profile);
    expect((await alice.api.call('GET', `/api/proxies/${proxy.id}`)).json()).toEqual(proxy);
  });

  it('have lists of their own, and operators see everything', async () => {
    const ids = [session.id, profile.id, proxy.id];
    expect(await listAll(alice.api)).toEqual(ids);
    expect(await listAll(bob.api)).toEqual([]);
    const operator = await keyed.hand({ name: 'operator', role: 'operator' });
    expect(await listAll(operator.api)).toEqual(expect.arrayContaining(ids));
    expect((await bob.api.call('GET', '/api/proxies/groups')).json()).toEqual({ groups: [] });
    const query: ListSessionsQuery & { 'metadata.team': string } = { 'metadata.team': 'a' };
    expect((await bob.api.call('GET', `/api/sessions?${new URLSearchParams(query as never).toString()}`)).text).toBe(
      '{"sessions":[],"nextCursor":null}',
    );
  });

  it("cannot make use of each other's profiles and proxies in what they make", async () => {
    const create = (options: object) => bob.api.call('POST', '/api/sessions', options);
    expectProblem(await create({ profileId: profile.id }), 404, 'PROFILE_NOT_FOUND');
    expectProblem(await create({ proxyId: proxy.id }), 404, 'PROXY_NOT_FOUND');
    const ofGroup = expectProblem(await create({ proxyRotation: { group: 'pool' } }), 400, 'VALIDATION_FAILED');
    const ofNone = expectProblem(await create({ proxyRotation: { group: 'none' } }), 400, 'VALIDATION_FAILED');
    expect(ofGroup.detail).toBe(ofNone.detail);
    const named = { name: 'x', fingerprint: profile.fingerprint, allowIncoherent: true };
    const withProxy = (defaultProxyId: string) => bob.api.call('POST', '/api/profiles', { ...named, defaultProxyId });
    const refused = expectProblem(await withProxy(proxy.id), 400, 'VALIDATION_FAILED');
    expect(refused.detail).toBe(expectProblem(await withProxy(NOWHERE), 400, 'VALIDATION_FAILED').detail);
    const own = await bob.api.create();
    expectProblem(
      await bob.api.call('PATCH', `/api/sessions/${own.id}`, { proxyId: proxy.id }),
      404,
      'PROXY_NOT_FOUND',
    );
    await bob.api.end(own.id);
  });

  it("cannot change each other's profiles in bulk", async () => {
    for (const wish of [{ action: 'delete' }, { action: 'tag', tags: ['stolen'] }]) {
      const answer = await bob.api.call('POST', '/api/profiles/bulk', { ...wish, ids: [profile.id, NOWHERE] });
      expect(answer.json()).toMatchObject({
        succeeded: 0,
        results: [{ code: 'PROFILE_NOT_FOUND' }, { code: 'PROFILE_NOT_FOUND' }],
      });
    }
    expect((await alice.api.call('GET', `/api/profiles/${profile.id}`)).json()).toEqual(profile);
  });

  it('are told over WebSocket of their own sessions only', async () => {
    using watcher = await connectRpc(keyed.service.address, bob.key.secret);
    using owner = await connectRpc(keyed.service.address, alice.key.secret);
    await watcher.call('subscribe', { topics: ['events', 'metrics'] });
    await owner.call('subscribe', { topics: ['events', 'metrics'] });
    for (const method of ['session.get', 'session.end', 'session.events', 'session.content']) {
      expect((await watcher.ask(method, { sessionId: session.id })).error?.data).toMatchObject({
        code: 'SESSION_NOT_FOUND',
      });
    }
    const refused = await watcher.ask('subscribe', { topics: ['events'], sessionId: session.id });
    expect(refused.error?.data).toMatchObject({ code: 'SESSION_NOT_FOUND' });
    const hers = await alice.api.create();
    await alice.api.end(hers.id);
    const his = await bob.api.create();
    await bob.api.end(his.id);
    const eventsOf = (client: typeof owner): string[] =>
      client.notifications
        .filter(({ method }) => method === 'event')
        .map(({ params }) => params['event'] as SessionEvent)
        .filter(({ toState }) => toState === 'CLOSED')
        .map(({ sessionId }) => sessionId);
    await until('both are told', () => eventsOf(watcher).length > 0 && eventsOf(owner).length > 0);
    expect(eventsOf(watcher)).toEqual([his.id]);
    expect(eventsOf(owner)).toEqual([hers.id]);
    const concerned = (client: typeof owner) => JSON.stringify(client.notifications);
    expect(concerned(watcher)).not.toMatch(new RegExp(`${hers.id}|${session.id}`));
    expect(concerned(owner)).not.toContain(his.id);
  });
});

describe('keys of one tenant', () => {
  it('share what belongs to it, each as its role may', async () => {
    const second = await keyed.hand({ name: 'alice 2', role: 'user', forKeyId: alice.key.id });
    const viewer = await keyed.hand({ name: 'alice viewer', role: 'viewer', forKeyId: alice.key.id });
    expect((await listAll(second.api)).sort()).toEqual((await listAll(alice.api)).sort());
    expect(await second.api.get(session.id)).toMatchObject({ id: session.id, cdpUrl: session.cdpUrl });
    // Who may only look is not told where the browser can be driven.
    expect(await viewer.api.get(session.id)).toMatchObject({ id: session.id, cdpUrl: null, cdpPort: null });
    expectProblem(await viewer.api.call('DELETE', `/api/sessions/${session.id}`), 403, 'FORBIDDEN');
  });
});
