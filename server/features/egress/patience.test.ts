import { describe, expect, it } from 'vitest';

import { openEgressRig, openRawClient, openRawServer } from '../../testing/egress-rig.ts';
import { until } from '../../testing/until.ts';
import type { Upstream } from './egress-rules.ts';
import { type Patience, PATIENCE } from './patience.ts';

const SHORT_MS = 100;

const only = (short: Partial<Patience>): { patience: Patience } => ({ patience: { ...PATIENCE, ...short } });
const get = (port: number, more = ''): string =>
  `GET http://127.0.0.1:${port}/a HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${more}\r\n`;
const tunnelTo = (port: number): string => `CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n`;
const through = (
  upstream: Omit<Upstream, 'host'>,
): { upstreams: { choose: () => Upstream[]; report: () => void } } => ({
  upstreams: { choose: () => [{ host: '127.0.0.1', ...upstream }], report: () => undefined },
});

/** Sends a byte again and again, never enough. */
function dribble(socket: { write: (text: string) => unknown; destroyed: boolean }, text: string): void {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || at >= text.length) clearInterval(timer);
    else socket.write(text[at++] ?? '');
  }, SHORT_MS / 10);
}

describe('a connection of a browser', () => {
  it('is given up when a head that it has begun does not end, however lively it is', async () => {
    await using rig = await openEgressRig(only({ headMs: SHORT_MS }));
    rig.configure();
    using client = openRawClient(rig.proxy.port, 'GET http://127.0.0.1/ HTTP/1.1\r\n');
    dribble(client.socket, `X: ${'x'.repeat(1_000)}`);
    await until(() => client.end() === 'broken');
    expect(rig.proxy.traffic.connections).toBe(0);
  });

  it('is not given up while nothing is begun', async () => {
    await using rig = await openEgressRig(only({ headMs: SHORT_MS }));
    await using site = await openRawServer((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    rig.configure();
    using idle = openRawClient(rig.proxy.port, '');
    using begun = openRawClient(rig.proxy.port, 'GET ');
    await until(() => begun.end());
    idle.socket.write(get(site.port));
    await until(() => idle.received().includes('204'));
  });

  it('is closed after a last answer, whatever it still sends', async () => {
    await using rig = await openEgressRig(only({ lingerMs: SHORT_MS }));
    rig.configure();
    using client = openRawClient(rig.proxy.port, 'NONSENSE\r\n\r\n');
    dribble(client.socket, 'x'.repeat(10_000));
    await until(() => client.received().startsWith('HTTP/1.1 400 '));
    await until(() => client.socket.destroyed || client.end() === 'broken');
  });

  it('does not wait for rules for ever', async () => {
    await using rig = await openEgressRig(only({ holdMs: SHORT_MS }));
    using client = openRawClient(rig.proxy.port, get(1));
    await until(() => client.end());
    expect(client.received()).toBe('');
  });

  it('that it has closed to one side is given up when the other is silent', async () => {
    await using rig = await openEgressRig(only({ halfOpenMs: SHORT_MS }));
    rig.configure();
    let seen = '';
    // Takes the end for no reason to end itself.
    await using site = await openRawServer((socket) =>
      socket.on('data', (chunk: Buffer) => (seen += chunk.toString())),
    );
    using client = openRawClient(rig.proxy.port, `${tunnelTo(site.port)}last`);
    await until(() => seen === 'last');
    client.socket.end();
    await until(() => client.end() !== undefined);
    // Whoever does not read only notices when it writes.
    for (const socket of site.sockets) socket.write('x');
    await until(() => site.sockets.size === 0);
  });

  it('that the site has closed to one side is given up when the browser is silent', async () => {
    await using rig = await openEgressRig(only({ halfOpenMs: SHORT_MS }));
    rig.configure();
    await using site = await openRawServer((socket) => socket.end('bye'));
    using client = openRawClient(rig.proxy.port, tunnelTo(site.port));
    await until(() => client.received().endsWith('bye') && client.end() === 'ended');
    await until(() => site.sockets.size === 0);
  });

  it('ends with a name that nobody answers for', async () => {
    await using rig = await openEgressRig({
      ...only({ siteMs: SHORT_MS }),
      resolver: { resolve: () => new Promise(() => undefined) },
    });
    rig.configure();
    using client = openRawClient(rig.proxy.port, 'CONNECT silent.test:443 HTTP/1.1\r\n\r\n');
    await until(() => client.received().startsWith('HTTP/1.1 502 '));
    expect(rig.failures).toMatchObject([{ reason: 'name_not_resolved' }]);
  });
});

describe.each(['http', 'https', 'socks5', 'socks5h'] as const)('an upstream proxy spoken to by %s', (protocol) => {
  it.each([
    ['says nothing', ''],
    ['never ends what it says', protocol.startsWith('http') ? `HTTP/1.1 200 ${'x'.repeat(9_999)}` : '\x05'],
  ])('is given up when it %s', async (_, text) => {
    await using rig = await openEgressRig(only({ upstreamMs: SHORT_MS }));
    await using upstream = await openRawServer((socket) => {
      socket.resume().once('end', () => socket.destroy());
      dribble(socket, text);
    });
    rig.configure(through({ protocol, port: upstream.port }));
    using client = openRawClient(rig.proxy.port, tunnelTo(9));
    await until(() => client.received().startsWith('HTTP/1.1 502 '));
    expect(rig.failures).toMatchObject([{ reason: 'proxy_unreachable' }]);
    await until(() => upstream.sockets.size === 0);
  });

  it('is what fails when it breaks in the middle of being asked', async () => {
    await using rig = await openEgressRig();
    await using upstream = await openRawServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    rig.configure(through({ protocol, port: upstream.port }));
    using client = openRawClient(rig.proxy.port, tunnelTo(9));
    await until(() => client.received().startsWith('HTTP/1.1 502 '));
    expect(rig.failures).toMatchObject([{ reason: 'proxy_unreachable' }]);
  });
});

describe('an http request through an http proxy', () => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

  it('names its whole URL and carries the credentials of the session, none of the page', async () => {
    await using rig = await openEgressRig();
    let seen = '';
    await using upstream = await openRawServer((socket) =>
      socket.on('data', (chunk: Buffer) => {
        seen += chunk.toString('latin1');
        socket.write(answer);
      }),
    );
    const credentials = { username: 'anna', password: 'p:w' };
    rig.configure(through({ protocol: 'http', port: upstream.port, ...credentials }));
    using client = openRawClient(rig.proxy.port, get(80, 'Proxy-Authorization: Basic eDp5\r\nX-a: 1\r\n'));
    await until(() => client.received() === answer);
    const secret = Buffer.from('anna:p:w').toString('base64');
    expect(seen).toBe(
      `GET http://127.0.0.1:80/a HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX-a: 1\r\nProxy-Authorization: Basic ${secret}\r\n\r\n`,
    );
  });

  it('is broken when the proxy dies in the middle of an answer, and failed when before one', async () => {
    await using rig = await openEgressRig();
    await using upstream = await openRawServer((socket) =>
      socket.once('data', (chunk: Buffer) => {
        if (chunk.toString().includes('X-now')) socket.resetAndDestroy();
        else socket.write(answer.slice(0, -1), () => socket.resetAndDestroy());
      }),
    );
    rig.configure(through({ protocol: 'http', port: upstream.port }));
    using middle = openRawClient(rig.proxy.port, get(80));
    await until(() => middle.end() === 'broken');
    using before = openRawClient(rig.proxy.port, get(80, 'X-now: 1\r\n'));
    await until(() => before.end());
    expect(before.received()).not.toContain('200');
  });

  it('is given up with the browser that asked, while the proxy is silent', async () => {
    await using rig = await openEgressRig();
    let asked = 0;
    await using upstream = await openRawServer((socket) => {
      socket.on('data', () => (asked += 1)).once('end', () => socket.destroy());
    });
    rig.configure(through({ protocol: 'http', port: upstream.port }));
    using client = openRawClient(rig.proxy.port, get(80));
    await until(() => asked === 1);
    client.socket.destroy();
    await until(() => upstream.sockets.size === 0);
  });
});
