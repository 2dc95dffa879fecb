import { createSocket } from 'node:dgram';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';

import { openEgressRig, openRawClient, openRawServer, type TestServer } from '../../testing/egress-rig.ts';
import { until } from '../../testing/until.ts';
import { parseCidrList } from './ip-address.ts';
import { createDnsResolver, type NameResolver } from './name-resolver.ts';

const NAVIGATION = 'Upgrade-Insecure-Requests: 1\r\n';

function openSite(answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'): Promise<TestServer> {
  return openRawServer((socket) => {
    socket.once('end', () => socket.end());
    socket.on('data', () => socket.write(answer));
  });
}

const get = (authority: string, more = ''): string => `GET http://${authority}/ HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const toConnect = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n\r\n`;

const LOOPBACK_ONLY = { allow: [], deny: [], proxyAllow: [] };
const answering = (...addresses: readonly string[]): NameResolver => ({ resolve: async () => addresses });

describe('what may not be reached', () => {
  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0177.1',
    '127.1',
    'localhost',
    'a.b.localhost.',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::]',
    '0',
    '169.254.169.254',
    '10.0.0.1',
  ])('is refused however it is written: %s', async (host) => {
    await using rig = await openEgressRig({ policy: LOOPBACK_ONLY });
    rig.configure();
    await using site = await openSite();
    const authority = `${host}:${site.port}`;
    using page = openRawClient(rig.proxy.port, get(authority, NAVIGATION));
    await until(() => page.end());
    expect(page.received()).toMatch(/^HTTP\/1\.1 403 /);
    using other = openRawClient(rig.proxy.port, get(authority));
    await until(() => other.end());
    expect(other.received()).toBe('');
    using tunnel = openRawClient(rig.proxy.port, toConnect(authority));
    await until(() => tunnel.end());
    expect(tunnel.received()).toMatch(/^HTTP\/1\.1 403 /);
    expect(rig.refusals.map(({ reason }) => reason)).toEqual(['address', 'address', 'address']);
    expect(rig.proxy.lastProblem(host.replace(/[[\]]/g, ''), site.port)?.reason).toBe('address');
    expect(rig.proxy.traffic).toEqual({ connections: 0, refusals: 3, receivedBytes: 0, sentBytes: 0 });
    expect(site.sockets.size).toBe(0);
  });

  it('is shown on a page that says why, and that nobody writes into', async () => {
    await using rig = await openEgressRig({ policy: LOOPBACK_ONLY, resolver: answering('192.168.7.7', 'fd00::1') });
    rig.configure();
    using page = openRawClient(rig.proxy.port, get("a<b>&'.test", NAVIGATION));
    await until(() => page.end());
    using named = openRawClient(rig.proxy.port, get("it's&so.test", NAVIGATION));
    await until(() => named.end());
    expect(named.received()).toContain('it&#39;s&amp;so.test is at 192.168.7.7, which is private');
    expect(named.received()).not.toContain("it's");
  });

  it('are the ports of this service, even where loopback is allowed', async () => {
    await using rig = await openEgressRig();
    rig.configure();
    for (const port of [rig.proxy.port, 29_000]) {
      using client = openRawClient(rig.proxy.port, toConnect(`127.0.0.1:${port}`));
      await until(() => client.end());
      expect(client.received()).toMatch(/^HTTP\/1\.1 403 /);
    }
    expect(rig.refusals.map(({ reason }) => reason)).toEqual(['port', 'port']);
  });

  it('are ports that the operator does not list', async () => {
    await using rig = await openEgressRig({ ports: [{ first: 80, last: 80 }] });
    rig.configure();
    using client = openRawClient(rig.proxy.port, toConnect('127.0.0.1:22'));
    await until(() => client.received().startsWith('HTTP/1.1 403 '));
    expect(rig.refusals).toMatchObject([{ reason: 'port', host: '127.0.0.1', port: 22 }]);
  });

  it('is left out among the addresses of a name', async () => {
    const policy = { ...LOOPBACK_ONLY, allow: parseCidrList('127.0.0.2') };
    await using rig = await openEgressRig({ policy, resolver: answering('127.0.0.1', '10.0.0.1', '127.0.0.2') });
    rig.configure();
    const dialled: string[] = [];
    const server = createServer((socket) => {
      dialled.push(socket.localAddress ?? '');
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    using client = openRawClient(rig.proxy.port, toConnect(`both.test:${(server.address() as AddressInfo).port}`));
    await until(() => client.received().startsWith('HTTP/1.1 200 '));
    expect(dialled).toEqual(['127.0.0.2']);
    client.socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('is a name that says something else when it is asked again: it is not asked again', async () => {
    let asked = 0;
    const resolver: NameResolver = { resolve: async () => (++asked === 1 ? ['127.0.0.1'] : ['10.0.0.1']) };
    await using rig = await openEgressRig({ resolver });
    rig.configure();
    await using site = await openSite();
    using client = openRawClient(rig.proxy.port, get(`rebind.test:${site.port}`));
    await until(() => client.received().endsWith('ok'));
    expect(asked).toBe(1);
    using again = openRawClient(rig.proxy.port, get(`rebind.test:${site.port}`));
    await until(() => again.end());
    expect(again.received()).toBe('');
    expect(rig.refusals).toMatchObject([{ reason: 'address', host: 'rebind.test' }]);
  });

  it('is a domain that the session does not allow, or blocks, or that serves ads', async () => {
    await using rig = await openEgressRig({ resolver: answering('127.0.0.1') });
    await using site = await openSite();
    rig.configure({
      allowedDomains: ['good.test', 'ads.test'],
      blockedDomains: ['bad.good.test'],
      findBlocked: (host) => (host === 'ads.test' ? 'ads' : undefined),
    });
    const answers: string[] = [];
    for (const host of ['good.test', 'www.good.test', 'bad.good.test', 'other.test', 'ads.test', '127.0.0.1']) {
      using client = openRawClient(rig.proxy.port, toConnect(`${host}:${site.port}`));
      await until(() => client.received().length > 0);
      answers.push(client.received().slice(9, 12));
    }
    expect(answers).toEqual(['200', '200', '403', '403', '403', '403']);
    expect(rig.refusals.map(({ reason }) => reason)).toEqual(['domain', 'domain', 'ads', 'domain']);
  });
});

describe('what does not come about', () => {
  it('is a name without an address', async () => {
    const dns = createSocket('udp4');
    // Answers everything with "no such name".
    dns.on('message', (query, { port, address }) => {
      const answer = Buffer.from(query);
      answer.writeUInt16BE(0x8183, 2);
      dns.send(answer, port, address);
    });
    await new Promise<void>((resolve) => dns.bind(0, '127.0.0.1', resolve));
    await using rig = await openEgressRig({ resolver: createDnsResolver([`127.0.0.1:${dns.address().port}`]) });
    rig.configure();
    using client = openRawClient(rig.proxy.port, get('missing.test', NAVIGATION));
    await until(() => client.end());
    expect(client.received()).toBe('');
    expect(rig.failures).toMatchObject([{ reason: 'name_not_resolved', host: 'missing.test', port: 80 }]);
    dns.close();
  });

  it('is a port on which nobody listens', async () => {
    await using rig = await openEgressRig();
    rig.configure();
    const site = await openSite();
    await site[Symbol.asyncDispose]();
    using client = openRawClient(rig.proxy.port, toConnect(`127.0.0.1:${site.port}`));
    await until(() => client.received().startsWith('HTTP/1.1 502 '));
    expect(rig.proxy.lastProblem('127.0.0.1', site.port)).toMatchObject({ reason: 'unreachable' });
  });
});

describe('rules that change', () => {
  it('are waited for: nothing leaves before there are any', async () => {
    await using rig = await openEgressRig();
    await using site = await openSite();
    using client = openRawClient(rig.proxy.port, get(`127.0.0.1:${site.port}`));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(site.sockets.size).toBe(0);
    rig.configure();
    await until(() => client.received().endsWith('ok'));
  });

  it('end what they forbid now, and nothing else', async () => {
    await using rig = await openEgressRig({ resolver: answering('127.0.0.1') });
    await using site = await openSite('hello');
    rig.configure();
    using kept = openRawClient(rig.proxy.port, `${toConnect(`kept.test:${site.port}`)}hi`);
    using ended = openRawClient(rig.proxy.port, `${toConnect(`ended.test:${site.port}`)}hi`);
    await until(() => kept.received().endsWith('hello') && ended.received().endsWith('hello'));
    rig.configure({ blockedDomains: ['ended.test'] });
    await until(() => ended.end());
    kept.socket.write('more');
    await until(() => kept.received().endsWith('hellohello'));
    rig.configure({
      upstreams: { choose: () => [{ protocol: 'http', host: '127.0.0.1', port: 9 }], report: () => undefined },
    });
    await until(() => kept.end());
  });

  it('are not waited for by connections that are only being made', async () => {
    const first = Promise.withResolvers<readonly string[]>();
    const asked: string[] = [];
    const resolver: NameResolver = {
      resolve: (host) => (asked.push(host) === 1 ? first.promise : Promise.resolve(['127.0.0.1'])),
    };
    await using rig = await openEgressRig({ resolver });
    await using site = await openSite();
    rig.configure();
    using client = openRawClient(rig.proxy.port, get(`slow.test:${site.port}`, NAVIGATION));
    await until(() => asked.length === 1);
    rig.configure({ blockedDomains: ['slow.test'] });
    await until(() => client.received().startsWith('HTTP/1.1 403 '));
    expect(asked).toHaveLength(1);
    first.resolve(['127.0.0.1']);
  });

  it('end everything when the traffic is used up', async () => {
    await using rig = await openEgressRig();
    const size = 50_000_000;
    await using site = await openRawServer((socket) => socket.on('data', () => socket.write(Buffer.alloc(size))));
    const limit = 1_000_000;
    rig.configure({ trafficLimitBytes: limit });
    using idle = openRawClient(rig.proxy.port, toConnect(`127.0.0.1:${site.port}`));
    await until(() => idle.received().includes('200'));
    using client = openRawClient(rig.proxy.port, `${toConnect(`127.0.0.1:${site.port}`)}go`);
    await until(() => client.end() && idle.end());
    const { receivedBytes, sentBytes } = rig.proxy.traffic;
    expect(receivedBytes + sentBytes).toBeGreaterThan(limit);
    expect(receivedBytes + sentBytes).toBeLessThan(limit + 600_000);
    using late = openRawClient(rig.proxy.port, toConnect(`127.0.0.1:${site.port}`));
    await until(() => late.received().startsWith('HTTP/1.1 403 '));
    expect(rig.refusals.map(({ reason }) => reason)).toEqual(['traffic_limit', 'traffic_limit']);
  });
});

describe('a session whose owner has used up what they may move', () => {
  it('loses all its connections, and gets new ones when there is more again', async () => {
    await using rig = await openEgressRig();
    await using site = await openSite('hello');
    rig.configure();
    using running = openRawClient(rig.proxy.port, `${toConnect(`127.0.0.1:${site.port}`)}hi`);
    await until(() => running.received().endsWith('hello'));
    rig.configure({ isQuotaSpent: true });
    await until(() => running.end());
    using refused = openRawClient(rig.proxy.port, get(`127.0.0.1:${site.port}`, NAVIGATION));
    await until(() => refused.received().startsWith('HTTP/1.1 403 '));
    expect(rig.refusals.map(({ reason }) => reason)).toEqual(['traffic_quota']);
    rig.configure({ isQuotaSpent: false });
    using again = openRawClient(rig.proxy.port, `${toConnect(`127.0.0.1:${site.port}`)}hi`);
    await until(() => again.received().endsWith('hello'));
  });
});

describe('the ports of egress', () => {
  it('can be had again, and by one only', async () => {
    await using rig = await openEgressRig();
    const { port } = rig.proxy;
    expect(rig.egress.at(port)).toBe(rig.proxy);
    await expect(rig.egress.open(port)).rejects.toMatchObject({ code: 'BROWSER_LAUNCH_FAILED' });
    await expect(rig.egress.open(8_080)).rejects.toThrow(RangeError);
    rig.configure();
    await using site = await openSite();
    using client = openRawClient(rig.proxy.port, `${toConnect(`127.0.0.1:${site.port}`)}hi`);
    await until(() => client.received().endsWith('ok'));
    await rig.proxy[Symbol.asyncDispose]();
    await until(() => client.end() && site.sockets.size === 0);
    expect(rig.egress.at(port)).toBeUndefined();
    await using again = await rig.egress.open(port);
    expect(again.port).toBe(port);
  });
});
