import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';

import {
  listenOnLoopback,
  openEgressRig,
  openRawClient,
  openRawServer,
  type TestServer,
} from '../../testing/egress-rig.ts';
import { openMicrosocks, type RealProxy, openTinyproxy } from '../../testing/real-proxy.ts';
import { until } from '../../testing/until.ts';
import type { Upstream, UpstreamSource } from './egress-rules.ts';
import { parseCidrList } from './ip-address.ts';

const CREDENTIALS = { username: 'user', password: 'pass-word.1' };

interface Source extends UpstreamSource {
  readonly outcomes: string[];
}

function source(...upstreams: readonly Upstream[]): Source {
  const outcomes: string[] = [];
  return { outcomes, choose: () => upstreams, report: ({ port }, outcome) => void outcomes.push(`${port} ${outcome}`) };
}

function openSite(): Promise<TestServer> {
  return listenOnLoopback(
    createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => response.end(`${request.method ?? ''} ${request.url ?? ''} ${body}`));
    }),
  );
}

const post = (port: number, host = '127.0.0.1'): string =>
  `POST http://${host}:${port}/path HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade-Insecure-Requests: 1\r\nContent-Length: 4\r\n\r\nbody`;

describe.each([
  ['http', 'open'],
  ['http', 'with credentials'],
  ['socks5', 'open'],
  ['socks5', 'with credentials'],
  ['socks5h', 'with credentials'],
] as const)('a real %s proxy, %s', (protocol, access) => {
  const credentials = access === 'open' ? undefined : CREDENTIALS;
  const open = (): Promise<RealProxy> =>
    protocol === 'http' ? openTinyproxy(credentials) : openMicrosocks(credentials);

  it('passes on requests and tunnels', async () => {
    await using real = await open();
    await using site = await openSite();
    await using rig = await openEgressRig();
    const upstreams = source({ protocol, host: '127.0.0.1', port: real.port, ...credentials });
    rig.configure({ upstreams });
    using client = openRawClient(rig.proxy.port, post(site.port));
    await until(() => client.received().endsWith('POST /path body'));
    using tunnel = openRawClient(
      rig.proxy.port,
      `CONNECT 127.0.0.1:${site.port} HTTP/1.1\r\n\r\nGET /in HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    await until(() => tunnel.received().includes('GET /in '));
    expect(upstreams.outcomes).toEqual([`${real.port} connected`, `${real.port} connected`]);
  });

  it('breaks what goes through it when it is killed in the middle', async () => {
    await using real = await open();
    await using site = await openRawServer((socket) =>
      // A proxy may pass on head and body apart.
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')),
    );
    await using rig = await openEgressRig();
    rig.configure({ upstreams: source({ protocol, host: '127.0.0.1', port: real.port, ...credentials }) });
    using client = openRawClient(rig.proxy.port, post(site.port));
    using tunnel = openRawClient(rig.proxy.port, `CONNECT 127.0.0.1:${site.port} HTTP/1.1\r\n\r\nhi`);
    await until(() => client.received().endsWith('abc') && tunnel.received().endsWith('abc'));
    await real.kill();
    await until(() => client.end() === 'broken' && tunnel.end() !== undefined);
    using late = openRawClient(rig.proxy.port, post(site.port));
    await until(() => late.received().startsWith('HTTP/1.1 502 '));
    expect(rig.failures).toMatchObject([{ reason: 'proxy_unreachable' }]);
  });
});

describe.each(['http', 'socks5', 'socks5h'] as const)('a real %s proxy that wants credentials', (protocol) => {
  it.each([
    ['none', {}],
    ['wrong ones', { username: 'user', password: 'wrong' }],
  ])('is never seen by the browser: %s', async (_, credentials) => {
    await using real = await (protocol === 'http' ? openTinyproxy(CREDENTIALS) : openMicrosocks(CREDENTIALS));
    await using site = await openSite();
    await using rig = await openEgressRig();
    rig.configure({ upstreams: source({ protocol, host: '127.0.0.1', port: real.port, ...credentials }) });
    using page = openRawClient(rig.proxy.port, post(site.port));
    await until(() => page.end());
    expect(page.received()).toMatch(/^HTTP\/1\.1 502 [^]*proxy_auth/);
    using tunnel = openRawClient(rig.proxy.port, `CONNECT 127.0.0.1:${site.port} HTTP/1.1\r\n\r\n`);
    await until(() => tunnel.end());
    expect(tunnel.received()).toMatch(/^HTTP\/1\.1 502 /);
    const said = page.received() + tunnel.received() + JSON.stringify(rig.failures);
    expect(said).not.toMatch(/407|proxy-authenticate|wrong/i);
    expect(rig.failures.map(({ reason }) => reason)).toEqual(['proxy_auth', 'proxy_auth']);
  });
});

describe('several upstreams', () => {
  it('are tried in turn', async () => {
    await using real = await openMicrosocks();
    await using locked = await openMicrosocks(CREDENTIALS);
    await using gone = await openMicrosocks();
    await gone.kill();
    await using site = await openSite();
    await using rig = await openEgressRig();
    const ports = [gone.port, locked.port, real.port];
    const upstreams = source(...ports.map((port) => ({ protocol: 'socks5' as const, host: '127.0.0.1', port })));
    rig.configure({ upstreams });
    using client = openRawClient(rig.proxy.port, post(site.port));
    await until(() => client.received().endsWith('POST /path body'));
    expect(upstreams.outcomes).toEqual([
      `${gone.port} proxy_unreachable`,
      `${locked.port} proxy_auth`,
      `${real.port} connected`,
    ]);
  });

  it('are not blamed for what the policy refuses', async () => {
    await using rig = await openEgressRig({ policy: { allow: [], deny: [], proxyAllow: parseCidrList('127.0.0.1') } });
    await using real = await openMicrosocks();
    const hosts = [
      '127.0.0.1',
      '169.254.169.254',
      'localhost',
      'a.localhost',
      'nas',
      'nas.local',
      'x.internal',
      'a.home.arpa',
    ];
    const upstreams = source({ protocol: 'socks5h', host: '127.0.0.1', port: real.port });
    rig.configure({ upstreams });
    for (const host of hosts) {
      using client = openRawClient(rig.proxy.port, post(80, host));
      await until(() => client.received().startsWith('HTTP/1.1 403 '));
    }
    expect(rig.refusals.map(({ reason }) => reason)).toEqual(hosts.map(() => 'address'));
    expect(upstreams.outcomes).toEqual([]);
  });

  it('must themselves be where proxies may be', async () => {
    await using rig = await openEgressRig({ policy: { allow: [], deny: [], proxyAllow: [] } });
    await using real = await openMicrosocks();
    rig.configure({ upstreams: source({ protocol: 'socks5', host: '127.0.0.1', port: real.port }) });
    using client = openRawClient(rig.proxy.port, post(80, '8.8.8.8'));
    await until(() => client.received().startsWith('HTTP/1.1 403 '));
    expect(rig.refusals).toMatchObject([{ reason: 'address' }]);
  });
});
