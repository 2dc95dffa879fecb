import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';

import { launchChromium } from '../../testing/raw-chromium.ts';
import { openEgressRig, openRawServer } from '../../testing/egress-rig.ts';
import { until } from '../../testing/until.ts';

const PAGE = `<!doctype html><link rel="icon" href="data:,"><script>
  fetch('/data', { method: 'POST', body: 'x=1', headers: { 'X-Own': 'a' } })
    .then(() => new WebSocket('ws://' + location.host + '/socket'));
</script>`;

/** Everything that a Chromium sends to a site for one page, request by request. */
async function visit(proxyPort: number | undefined): Promise<readonly string[]> {
  const heads: string[] = [];
  const serve = (socket: Socket): void => {
    let text = '';
    socket.once('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (end === -1 || text.length < end + 4 + length) return;
      heads.push(text);
      const body = text.startsWith('GET / ') ? PAGE : '';
      text = '';
      socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
  };
  await using site = await openRawServer(serve);
  const proxy =
    proxyPort === undefined ? [] : [`--proxy-server=127.0.0.1:${proxyPort}`, '--proxy-bypass-list=<-loopback>'];
  await using _browser = await launchChromium([...proxy, `http://127.0.0.1:${site.port}/`]);
  await until(() => heads.length >= 3, { timeoutMs: 40_000, what: 'the page, its request and its socket came' });
  return heads.map((head) =>
    head.replaceAll(String(site.port), 'PORT').replace(/Sec-WebSocket-Key: \S+/, 'Sec-WebSocket-Key: KEY'),
  );
}

describe('what a site sees of a Chromium', () => {
  it('is the same through egress, to the byte', async () => {
    await using rig = await openEgressRig();
    rig.configure();
    const direct = await visit(undefined);
    const proxied = await visit(rig.proxy.port);
    expect(proxied).toEqual(direct);
    expect(direct[0]).toMatch(/^GET \/ HTTP\/1\.1\r\nHost: 127\.0\.0\.1:PORT\r\nConnection: keep-alive\r\n/);
    expect(direct[2]).toContain('Upgrade: websocket');
    expect(rig.refusals).toEqual([]);
  });
});
