import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  type EgressRig,
  listenOnLoopback,
  openEgressRig,
  openRawClient,
  openRawServer,
  type TestServer,
} from '../../testing/egress-rig.ts';
import { openSquid, type Squid } from '../../testing/real-proxy.ts';
import { until } from '../../testing/until.ts';
import type { Upstream } from './egress-rules.ts';

const CREDENTIALS = { username: 'user', password: 'pass-word.1' };

const stack = new AsyncDisposableStack();
let squid: Squid;
let site: TestServer;

beforeAll(async () => {
  squid = stack.use(await openSquid(CREDENTIALS));
  site = stack.use(
    await listenOnLoopback(
      createServer((request, response) => {
        request.resume().once('end', () => response.end(`${request.method ?? ''} ${request.url ?? ''} for site`));
      }),
    ),
  );
}, 30_000);
afterAll(() => stack.disposeAsync());

async function openRigThrough(upstream: Upstream, proxyAuthorities = [squid.authority]): Promise<EgressRig> {
  const rig = await openEgressRig({ proxyAuthorities });
  rig.configure({ upstreams: { choose: () => [upstream], report: () => undefined } });
  return rig;
}

const post = (port: number): string =>
  `POST http://127.0.0.1:${port}/path HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade-Insecure-Requests: 1\r\nContent-Length: 4\r\n\r\nbody`;
const tunnelTo = (port: number): string => `CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n`;

describe.each(['http', 'https'] as const)('squid, spoken to by %s', (protocol) => {
  const upstreamWith = (credentials: Partial<typeof CREDENTIALS>): Upstream => ({
    protocol,
    host: '127.0.0.1',
    port: squid[protocol].port,
    ...credentials,
  });

  it('passes on requests and tunnels for who has its credentials', async () => {
    await using rig = await openRigThrough(upstreamWith(CREDENTIALS));
    using client = openRawClient(rig.proxy.port, post(site.port));
    await until(() => client.received().endsWith('POST /path for site'));
    client.socket.write(post(site.port));
    await until(() => client.received().split('POST /path for site').length === 3);
    using tunnel = openRawClient(rig.proxy.port, `${tunnelTo(site.port)}GET /in HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => tunnel.received().includes('GET /in for site'));
    expect(rig.failures).toEqual([]);
  });

  it.each([
    ['none', {}],
    ['wrong ones', { username: 'user', password: 'wrong' }],
  ])('never shows the browser that it wants credentials: %s', async (_, credentials) => {
    await using rig = await openRigThrough(upstreamWith(credentials));
    using page = openRawClient(rig.proxy.port, post(site.port));
    await until(() => page.end());
    expect(page.received()).toMatch(/^HTTP\/1\.1 502 [^]*proxy_auth/);
    using tunnel = openRawClient(rig.proxy.port, tunnelTo(site.port));
    await until(() => tunnel.end());
    expect(tunnel.received()).toMatch(/^HTTP\/1\.1 502 /);
    const said = page.received() + tunnel.received() + JSON.stringify(rig.failures);
    expect(said).not.toMatch(/\b407\b|proxy-authenticate|squid|wrong/i);
    expect(rig.failures.map(({ reason }) => reason)).toEqual(['proxy_auth', 'proxy_auth']);
  });
});

describe('a proxy spoken to over TLS', () => {
  it('must be certified by an authority that is known', async () => {
    const upstream = { protocol: 'https', host: '127.0.0.1', port: squid.https.port, ...CREDENTIALS } as const;
    await using rig = await openRigThrough(upstream, []);
    using client = openRawClient(rig.proxy.port, post(site.port));
    await until(() => client.end());
    expect(client.received()).toMatch(/^HTTP\/1\.1 502 /);
    expect(rig.failures).toMatchObject([{ reason: 'proxy_unreachable' }]);
    expect(rig.failures[0]?.why).toMatch(/certificate/);
  });

  it('must be the host that it is certified as', async () => {
    const upstream = { protocol: 'https', host: 'localhost', port: squid.https.port, ...CREDENTIALS } as const;
    await using rig = await openRigThrough(upstream);
    using client = openRawClient(rig.proxy.port, post(site.port));
    await until(() => client.end());
    expect(client.received()).toMatch(/^HTTP\/1\.1 502 /);
    expect(rig.failures).toMatchObject([{ reason: 'proxy_unreachable' }]);
    expect(rig.failures[0]?.why).toMatch(/Hostname/);
  });

  it('breaks what goes through it when it is killed in the middle', async () => {
    await using mortal = await openSquid(CREDENTIALS);
    await using slow = await openRawServer((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')),
    );
    const upstream = { protocol: 'https', host: '127.0.0.1', port: mortal.https.port, ...CREDENTIALS } as const;
    await using rig = await openRigThrough(upstream, [mortal.authority]);
    using client = openRawClient(rig.proxy.port, post(slow.port));
    using tunnel = openRawClient(rig.proxy.port, `${tunnelTo(slow.port)}hi`);
    await until(() => client.received().endsWith('abc') && tunnel.received().endsWith('abc'));
    await mortal.http.kill();
    await until(() => client.end() === 'broken' && tunnel.end() !== undefined);
    using late = openRawClient(rig.proxy.port, post(slow.port));
    await until(() => late.received().startsWith('HTTP/1.1 502 '));
    expect(rig.failures).toMatchObject([{ reason: 'proxy_unreachable' }]);
  });
});
