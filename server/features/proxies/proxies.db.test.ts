import type { Problem, Proxy, ProxyGroupList, ProxyList } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { openProxyRig, urlOf } from '../../testing/proxy-rig.ts';
import { openMicrosocks, openTinyproxy } from '../../testing/real-proxy.ts';

const SECRET = 'hunter2-Secret';
const signal = AbortSignal.timeout(60_000);

describe('the proxies of a service', () => {
  it('are kept by URL or by parts, listed, changed and deleted, and nobody is told a password', async () => {
    await using stack = new AsyncDisposableStack();
    const { call, add, db, log } = await openProxyRig(stack);
    const proxy = await add({
      url: `socks5h://user:${SECRET}@Proxy.Example:1081`,
      tags: ['t'],
      timezone: 'asia/kolkata',
    });
    expect(proxy).toMatchObject({
      name: 'proxy.example:1081',
      protocol: 'socks5h',
      host: 'proxy.example',
      port: 1081,
      username: 'user',
      hasPassword: true,
      timezone: 'Asia/Calcutta',
    });
    const parts = await add({
      name: 'P',
      protocol: 'https',
      host: '[::1]',
      username: 'u',
      password: SECRET,
      rotationUrl: `https://x.example/${SECRET}`,
    });
    expect(parts).toMatchObject({ host: '::1', port: 443, hasPassword: true, hasRotationUrl: true });

    const { body: list } = await call<ProxyList>('GET', '?limit=1&tag=t');
    expect(list).toMatchObject({ proxies: [{ id: proxy.id }], nextCursor: null });
    expect(list.proxies[0]).not.toHaveProperty('username');
    const { body: page } = await call<ProxyList>('GET', '?limit=1');
    expect(page.proxies.map(({ id }) => id)).toEqual([parts.id]);
    const { body: rest } = await call<ProxyList>('GET', `?limit=1&cursor=${page.nextCursor ?? ''}`);
    expect(rest.proxies.map(({ id }) => id)).toEqual([proxy.id]);

    expect((await call<Proxy>('PATCH', `/${proxy.id}`, { username: null })).body).toMatchObject({ hasPassword: false });
    expect((await call<Proxy>('PATCH', `/${proxy.id}`, { url: 'http://a.example' })).body).toMatchObject({
      protocol: 'http',
      host: 'a.example',
      port: 80,
      tags: ['t'],
    });
    const rows = JSON.stringify(await db.query('select * from proxies where id = $1', [proxy.id]));
    const [{ password_sealed: sealed }] = (await db.query('select password_sealed from proxies where id = $1', [
      parts.id,
    ])) as [{ password_sealed: Buffer }];
    expect(sealed.includes(Buffer.from(SECRET))).toBe(false);
    expect((await call('DELETE', `/${proxy.id}`)).status).toBe(204);
    expect((await call<Problem>('GET', `/${proxy.id}`)).body).toMatchObject({ status: 404, code: 'PROXY_NOT_FOUND' });
    const answers = JSON.stringify([proxy, parts, list, page, rest]);
    for (const told of [answers, rows, log()]) expect(told).not.toContain(SECRET);
  });

  it('that are wrong are refused by the field, without a word of the credentials', async () => {
    await using stack = new AsyncDisposableStack();
    const { call, add, log } = await openProxyRig(stack);
    const { id } = await add({ protocol: 'socks5', host: 'a.example', username: 'u:v' });
    const wrong: (readonly [object, string])[] = [
      [{ url: `http://u:${SECRET}/@h` }, '/url'],
      [{ url: 'http://h', host: 'i' }, '/host'],
      [{ host: 'h' }, '/protocol'],
      [{ protocol: 'http' }, '/host'],
      [{ protocol: 'http', host: `u:${SECRET}@h` }, '/host'],
      [{ protocol: 'http', host: 'h', password: SECRET }, '/username'],
      [{ url: 'http://h', latitude: 1 }, '/latitude'],
      [{ url: 'http://h', timezone: 'Mars/Base' }, '/timezone'],
      [{ url: 'http://h', locale: 'xx-YY' }, '/locale'],
      [{ url: 'http://h', country: 'ZZ' }, '/country'],
    ];
    for (const [body, path] of wrong) {
      const { status, body: problem } = await call<Problem>('POST', '', body);
      expect([status, problem.errors?.[0]?.path]).toEqual([400, path]);
      expect(JSON.stringify(problem)).not.toContain(SECRET);
    }
    expect((await call<Problem>('PATCH', `/${id}`, { protocol: 'http' })).body.errors?.[0]?.path).toBe('/username');
    expect((await call<Problem>('GET', '?cursor=x')).status).toBe(400);
    expect((await call<Problem>('GET', '/none')).body.code).toBe('PROXY_NOT_FOUND');
    expect(log()).not.toContain(SECRET);
  });
});

describe('a check through a real proxy', () => {
  it.each([
    ['http', openTinyproxy],
    ['socks5', openMicrosocks],
    ['socks5h', openMicrosocks],
  ] as const)('finds the exit of one of %s, with credentials', async (protocol, open) => {
    await using stack = new AsyncDisposableStack();
    const { call, add, answer, log } = await openProxyRig(stack);
    const real = stack.use(await open({ username: 'user', password: SECRET }));
    const { id } = await add({ url: urlOf(protocol, real, `user:${SECRET}@`) });

    const { status, body } = await call<Proxy>('POST', `/${id}/check`);
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body.exit).toMatchObject({
      address: '81.2.69.142',
      country: 'GB',
      timezone: 'Europe/London',
      locale: 'en-GB',
    });
    expect(body.lastCheck).toMatchObject({ isOk: true, reason: null });
    expect(body.lastCheck?.latencyMs).toBeGreaterThanOrEqual(body.lastCheck?.connectMs ?? Infinity);
    answer.body = '{"ip":"::ffff:8.8.8.8"}';
    expect((await call<Proxy>('POST', `/${id}/check`)).body.exit).toMatchObject({ address: '8.8.8.8', country: 'US' });

    const wrong = await add({ url: urlOf(protocol, real, `user:wrong${SECRET}@`) });
    const refused = await call<Problem>('POST', `/${wrong.id}/check`);
    expect(refused.body).toMatchObject({ status: 502, code: 'PROXY_CHECK_FAILED', reason: 'proxy_auth' });
    expect((await call<Proxy>('GET', `/${wrong.id}`)).body).toMatchObject({ failedChecksInARow: 1, exit: null });
    expect(JSON.stringify(refused.body)).not.toContain(SECRET);
    expect(log()).not.toContain(SECRET);
  });

  it('says why it failed, and counts that', async () => {
    await using stack = new AsyncDisposableStack();
    const { call, add, answer } = await openProxyRig(stack);
    const real = stack.use(await openMicrosocks());
    const { id } = await add({ url: urlOf('socks5h', real) });
    const reasonOf = async (proxyId: string): Promise<string | undefined> =>
      (await call<Problem>('POST', `/${proxyId}/check`)).body.reason;

    answer.body = '<html>Sign in</html>';
    expect(await reasonOf(id)).toBe('echo_failed');
    Object.assign(answer, { status: 500, body: '8.8.8.8' });
    expect(await reasonOf(id)).toBe('echo_failed');
    const forbidden = await add({ url: 'socks5h://10.255.255.1' });
    expect(await reasonOf(forbidden.id)).toBe('not_allowed');
    await real.kill();
    expect(await reasonOf(id)).toBe('proxy_unreachable');
    expect((await call<Proxy>('GET', `/${id}`)).body).toMatchObject({
      failedChecksInARow: 3,
      lastCheck: { isOk: false, reason: 'proxy_unreachable' },
    });
  });

  it('is made of those that are due', async () => {
    await using stack = new AsyncDisposableStack();
    const { call, add, parts } = await openProxyRig(stack);
    const real = stack.use(await openTinyproxy());
    const ids = [];
    for (let index = 0; index < 6; index += 1) ids.push((await add({ url: urlOf('http', real) })).id);
    await add({ url: urlOf('http', real), isActive: false });
    expect(await parts.store.checkDue(signal)).toBe(6);
    expect(await parts.store.checkDue(signal)).toBe(0);
    for (const id of ids) {
      expect((await call<Proxy>('GET', `/${id}`)).body).toMatchObject({
        exit: { country: 'GB' },
        lastCheck: { isOk: true },
      });
    }
  });
});

describe('a session', () => {
  it('is given the proxy it names, or told why not', async () => {
    await using stack = new AsyncDisposableStack();
    const { add, parts } = await openProxyRig(stack);
    const { store } = parts;
    const proxy = await add({
      url: `http://u:${SECRET}@a.example`,
      country: 'DE',
      rotationGroup: 'idle',
      isActive: false,
    });
    const active = await add({ url: `http://u:${SECRET}@b.example`, country: 'DE' });

    const opened = await store.open({ proxyId: active.id });
    expect(opened.source.choose()).toEqual([
      { protocol: 'http', host: 'b.example', port: 80, username: 'u', password: SECRET, proxyId: active.id },
    ]);
    expect(opened).toMatchObject({
      proxyId: active.id,
      exit: { address: null, country: 'DE', timezone: 'Europe/Berlin' },
    });
    const inline = await store.open({ proxy: `socks5://u:${SECRET}@c.example` });
    expect(inline).toMatchObject({ proxyId: null, exit: undefined });
    expect([opened.describe(), inline.describe()]).toEqual(['b.example:80', 'c.example:1080']);

    const open = (selection: Parameters<typeof store.open>[0]): Promise<unknown> => store.open(selection);
    await expect(open({ proxyId: crypto.randomUUID() })).rejects.toMatchObject({ code: 'PROXY_NOT_FOUND' });
    await expect(open({ proxyId: proxy.id })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    await expect(open({ proxy: 'nonsense' })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    for (const group of ['idle', 'none']) {
      await expect(open({ proxyRotation: { group, per: 'session' } })).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
      });
    }
    await expect(open({ proxyRotation: { group: 'none', per: 'interval' } })).rejects.toMatchObject({
      extensions: { errors: [{ path: '/proxyRotation/intervalMs' }] },
    });
  });

  it('finds its exit as stored, or through the first of its group that answers, or directly', async () => {
    await using stack = new AsyncDisposableStack();
    const { add, call, parts, answer } = await openProxyRig(stack);
    const { store } = parts;
    const real = stack.use(await openMicrosocks());
    const dead = await openTinyproxy();
    const first = await add({ url: urlOf('http', dead), rotationGroup: 'g' });
    const second = await add({ url: urlOf('socks5', real), rotationGroup: 'g' });
    await dead.kill();
    const opened = await store.open({ proxyRotation: { group: 'g', per: 'session' } });

    expect(await store.findExit(opened, signal)).toMatchObject({ address: '81.2.69.142', country: 'GB' });
    expect(opened.proxyId).toBe(second.id);
    const { body } = await call<ProxyGroupList>('GET', '/groups');
    const healthOf = Object.fromEntries(body.groups[0]?.members.map(({ id, health }) => [id, health]) ?? []);
    expect(healthOf[second.id]).toBe('healthy');

    const again = await store.open({ proxyId: second.id });
    answer.body = 'unused';
    expect(await store.findExit(again, signal)).toMatchObject({ address: '81.2.69.142' });
    await expect(store.findExit(undefined, signal)).rejects.toMatchObject({ extensions: { reason: 'echo_failed' } });
    answer.body = '10.0.0.1';
    await expect(store.findExit(undefined, signal)).rejects.toMatchObject({ extensions: { reason: 'place_unknown' } });
    answer.body = '8.8.8.8';
    expect(await store.findExit(undefined, signal)).toMatchObject({ country: 'US', isTimezoneCertain: false });
    await expect(store.findExit(await store.open({ proxyId: first.id }), signal)).rejects.toMatchObject({
      code: 'PROXY_CHECK_FAILED',
      extensions: { reason: 'proxy_unreachable' },
    });
    await expect(store.findExit(undefined, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });

  it('leaves behind how its proxies did, written down all at once', async () => {
    await using stack = new AsyncDisposableStack();
    const { add, call, parts } = await openProxyRig(stack);
    const members = [
      await add({ url: 'http://a.example', rotationGroup: 'g' }),
      await add({ url: 'http://b.example', rotationGroup: 'g' }),
    ];
    const rotation = { proxyRotation: { group: 'g', per: 'request' } } as const;
    const [one, other] = [await parts.store.open(rotation), await parts.store.open(rotation)];
    // Each begins with another.
    expect([one.proxyId, other.proxyId].toSorted()).toEqual(members.map(({ id }) => id).toSorted());

    const [failed, next] = one.source.choose();
    if (failed === undefined || next === undefined) throw new Error('A member is missing');
    one.source.report(failed, 'proxy_unreachable');
    one.source.report(next, 'connected');
    expect(other.source.choose()[0]?.proxyId).toBe(next.proxyId);
    await parts.store.flush();
    expect((await call<Proxy>('GET', `/${failed.proxyId ?? ''}`)).body.failedChecksInARow).toBe(1);
    const { body } = await call<ProxyGroupList>('GET', '/groups');
    const states = body.groups[0]?.members.map(({ id, health }) => [id === failed.proxyId, health]);
    expect(states?.toSorted()).toEqual([
      [false, 'healthy'],
      [true, 'avoided'],
    ]);
  });
});
