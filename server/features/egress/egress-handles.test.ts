import { describe, expect, it } from 'vitest';

import { openEgressRig, openRawClient, openRawServer } from '../../testing/egress-rig.ts';
import { until } from '../../testing/until.ts';

const get = (port: number, more = ''): string =>
  `GET http://127.0.0.1:${port}/a HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${more}\r\n`;
const tunnelTo = (port: number): string => `CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n`;

describe('egress that is disposed', () => {
  const countHandles = (): string =>
    process
      .getActiveResourcesInfo()
      .filter((name) => /^(?:TCP|TLS|Timeout|GetAddrInfo|QueryWrap)/.test(name))
      .sort()
      .join(' ');

  it('leaves neither socket nor timer, whatever its connections were about', async () => {
    const before = countHandles();
    {
      await using held = await openEgressRig();
      await using rig = await openEgressRig({
        resolver: { resolve: () => new Promise(() => undefined) },
      });
      await using site = await openRawServer((socket) =>
        socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')),
      );
      await using closer = await openRawServer((socket) => socket.end('bye'));
      rig.configure();
      const { port } = rig.proxy;
      using _waiting = openRawClient(held.proxy.port, get(site.port));
      using _idle = openRawClient(port, '');
      using _begun = openRawClient(port, 'GET ');
      using _resolving = openRawClient(port, 'CONNECT silent.test:443 HTTP/1.1\r\n\r\n');
      using answered = openRawClient(port, get(site.port));
      using uploading = openRawClient(port, get(site.port, 'Content-Length: 100\r\n'));
      using tunnel = openRawClient(port, `${tunnelTo(site.port)}hi`);
      using halfOpen = openRawClient(port, tunnelTo(closer.port));
      using lingering = openRawClient(port, 'NONSENSE\r\n\r\n');
      await until(() => [answered, uploading, tunnel].every(({ received }) => received().endsWith('abc')));
      await until(() => halfOpen.end() === 'ended' && lingering.received().includes('400'));
      expect(countHandles()).toMatch(/TCP.*Timeout/);
    }
    await until(() => countHandles() === before, { what: `there are as many handles as before: ${before}` });
  });
});
