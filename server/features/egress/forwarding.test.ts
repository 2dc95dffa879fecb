import { createServer as createHttpServer, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';

import {
  listenOnLoopback,
  openEgressRig,
  openRawClient,
  openRawServer,
  type TestServer,
} from '../../testing/egress-rig.ts';
import { until } from '../../testing/until.ts';

/** An origin that answers the n-th request on a connection with the n-th text, and keeps what it was sent. */
async function openScript(...answers: readonly string[]): Promise<TestServer & { readonly received: () => string }> {
  let received = '';
  const server = await openRawServer((socket) => {
    let next = 0;
    socket.once('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      const answer = answers[next];
      next += 1;
      if (answer !== undefined) socket.write(answer, 'latin1');
    });
  });
  return { ...server, received: () => received };
}

async function openSite(listener: RequestListener): Promise<TestServer> {
  return listenOnLoopback(createHttpServer(listener));
}

async function openConfigured(): ReturnType<typeof openEgressRig> {
  const rig = await openEgressRig();
  rig.configure();
  return rig;
}

const get = (port: number, more = ''): string =>
  `GET http://127.0.0.1:${port}/a?b=c HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nProxy-Connection: keep-alive\r\n${more}\r\n`;

describe('a request through the proxy', () => {
  it('reaches the site as it was written, but for what was meant for the proxy', async () => {
    await using rig = await openConfigured();
    await using site = await openScript('HTTP/1.1 204 No Content\r\n\r\n');
    const lines = 'x-LOWER: 1\r\nAccept: */*\r\nX-Twice: a\r\nACCEPT-Language: \xe4\r\nX-Twice: b\r\n';
    using client = openRawClient(rig.proxy.port, get(site.port, `Proxy-Authorization: Basic eDp5\r\n${lines}`));
    await until(() => client.received().includes('204'));
    expect(site.received()).toBe(
      `GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\nConnection: keep-alive\r\n${lines}\r\n`,
    );
  });

  it.each([
    [
      'headers in any case and order',
      'HTTP/1.1 200 Fine  thanks\r\nx-b: 1\r\nX-A:2\r\nSet-Cookie: a=1\r\nSet-Cookie: b\xfc\r\ncontent-LENGTH: 3\r\n\r\nabc',
    ],
    [
      'chunks, extensions and trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n3;a="b"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\n',
    ],
    [
      'early hints',
      'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
    ],
    ['an empty body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n'],
    ['bare line feeds', 'HTTP/1.0 200 OK\nContent-Length: 2\n\nok'],
    ['lines that go on', 'HTTP/1.1 200 OK\r\nX-Long: a\r\n  b\r\nContent-Length: 2\r\n\r\nok'],
  ])('is answered byte for byte, and followed by another: %s', async (_, answer) => {
    await using rig = await openConfigured();
    await using site = await openScript(answer, answer);
    using client = openRawClient(rig.proxy.port, get(site.port));
    await until(() => client.received() === answer);
    client.socket.write(get(site.port));
    await until(() => client.received() === answer + answer);
    expect(rig.proxy.traffic.connections).toBe(1);
    expect(rig.proxy.traffic.receivedBytes).toBe(2 * answer.length);
    expect(rig.proxy.traffic.sentBytes).toBe(site.received().length);
  });

  it('has no body in the answer to HEAD, whatever length it tells', async () => {
    await using rig = await openConfigured();
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n';
    await using site = await openScript(answer, answer);
    using client = openRawClient(rig.proxy.port, get(site.port).replace('GET', 'HEAD'));
    await until(() => client.received() === answer);
    client.socket.write(get(site.port).replace('GET', 'HEAD'));
    await until(() => client.received() === answer + answer);
  });

  it('sends its body when the site says that it may go on', async () => {
    await using rig = await openConfigured();
    const go = 'HTTP/1.1 100 Continue\r\n\r\n';
    const done = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
    await using site = await openScript(go, done);
    const request = get(site.port, 'Expect: 100-continue\r\nContent-Length: 5\r\n').replace('GET', 'POST');
    using client = openRawClient(rig.proxy.port, request);
    await until(() => client.received() === go);
    client.socket.write('hello');
    await until(() => client.received() === go + done);
    expect(site.received()).toMatch(/\r\n\r\nhello$/);
  });

  it('becomes a tunnel when the site switches protocols', async () => {
    await using rig = await openConfigured();
    await using site = await openScript('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nsite first', 'pong');
    using client = openRawClient(rig.proxy.port, get(site.port, 'Upgrade: x\r\n'));
    await until(() => client.received().endsWith('site first'));
    client.socket.write('ping');
    await until(() => client.received().endsWith('pong'));
    expect(site.received()).toMatch(/ping$/);
  });

  it('may be for another site on the same connection', async () => {
    await using rig = await openConfigured();
    await using one = await openScript('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none');
    await using two = await openScript('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo');
    using client = openRawClient(rig.proxy.port, get(one.port));
    await until(() => client.received().endsWith('one'));
    client.socket.write(get(two.port));
    await until(() => client.received().endsWith('two'));
    await until(() => one.sockets.size === 0);
  });
});

describe('what ends', () => {
  it.each([
    ['of a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', (socket: Socket) => socket.end()],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
      (socket: Socket) => socket.end(),
    ],
    ['until the end', 'HTTP/1.1 200 OK\r\n\r\nabc', (socket: Socket) => socket.resetAndDestroy()],
    [
      'in bad chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc',
      (socket: Socket) => socket.write('d\r\n'),
    ],
  ])('too early is seen to be broken: a body %s', async (_, answer, stop) => {
    await using rig = await openConfigured();
    await using site = await openScript(answer);
    using client = openRawClient(rig.proxy.port, get(site.port));
    await until(() => client.received() === answer);
    for (const socket of site.sockets) stop(socket);
    await until(() => client.end() === 'broken');
  });

  it('with the connection is whole', async () => {
    await using rig = await openConfigured();
    const answer = 'HTTP/1.1 200 OK\r\n\r\nabc';
    await using site = await openScript(answer);
    using client = openRawClient(rig.proxy.port, get(site.port));
    await until(() => client.received() === answer);
    for (const socket of site.sockets) socket.end();
    await until(() => client.end() === 'ended');
    expect(client.received()).toBe(answer);
  });

  it('without an answer, or with none in HTTP, is told who waits for a page', async () => {
    await using rig = await openConfigured();
    await using site = await openScript('SSH-2.0-OpenSSH_9.2\r\n\r\n');
    using client = openRawClient(rig.proxy.port, get(site.port, 'Upgrade-Insecure-Requests: 1\r\n'));
    await until(() => client.received().startsWith('HTTP/1.1 502 '));
    await using silent = await openRawServer((socket) => socket.end());
    using other = openRawClient(rig.proxy.port, get(silent.port, 'Upgrade-Insecure-Requests: 1\r\n'));
    await until(() => other.received().startsWith('HTTP/1.1 502 '));
    expect(rig.failures.map(({ reason }) => reason)).toEqual(['unreachable', 'unreachable']);
  });

  it('while it is idle ends the other side too', async () => {
    await using rig = await openConfigured();
    await using site = await openScript('HTTP/1.1 204 No Content\r\n\r\n');
    using client = openRawClient(rig.proxy.port, get(site.port));
    await until(() => client.received().includes('204'));
    for (const socket of site.sockets) socket.end();
    await until(() => client.end());
    using other = openRawClient(rig.proxy.port, get(site.port));
    await until(() => other.received().includes('204'));
    other.socket.destroy();
    await until(() => site.sockets.size === 0);
  });

  it('by the browser ends a request that the site is slow to answer', async () => {
    await using rig = await openConfigured();
    await using site = await openScript();
    using client = openRawClient(rig.proxy.port, get(site.port));
    await until(() => site.received() !== '');
    client.socket.destroy();
    await until(() => site.sockets.size === 0);
  });

  it('in a tunnel ends one direction after the other', async () => {
    await using rig = await openConfigured();
    let seen = '';
    await using site = await openRawServer((socket) => {
      socket.on('data', (chunk: Buffer) => (seen += chunk.toString()));
      socket.once('end', () => socket.end('after your end'));
    });
    using client = openRawClient(rig.proxy.port, `CONNECT 127.0.0.1:${site.port} HTTP/1.1\r\n\r\nearly`);
    await until(() => seen === 'early');
    client.socket.end('last');
    await until(() => client.end() === 'ended');
    expect(seen).toBe('earlylast');
    expect(client.received()).toBe('HTTP/1.1 200 Connection established\r\n\r\nafter your end');
    expect(rig.proxy.traffic).toMatchObject({ sentBytes: 9, receivedBytes: 14, connections: 1 });
  });

  it('broken in a tunnel is broken on the other side', async () => {
    await using rig = await openConfigured();
    await using site = await openScript('hello');
    using client = openRawClient(rig.proxy.port, `CONNECT 127.0.0.1:${site.port} HTTP/1.1\r\n\r\nhi`);
    await until(() => client.received().endsWith('hello'));
    for (const socket of site.sockets) socket.resetAndDestroy();
    await until(() => client.end() === 'broken');
  });
});

describe('a request that can be read in two ways', () => {
  const post = (head: string, body: string): string =>
    `POST http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${body}`;

  it.each([
    ['length and coding', post('Content-Length: 3\r\nTransfer-Encoding: chunked', '0\r\n\r\n')],
    ['two lengths', post('Content-Length: 3\r\nContent-Length: 4', 'abcd')],
    ['a list of lengths', post('Content-Length: 3, 3', 'abc')],
    ['a signed length', post('Content-Length: +3', 'abc')],
    ['another coding', post('Transfer-Encoding: gzip, chunked', '0\r\n\r\n')],
    ['a disguised coding', post('Transfer-Encoding: xchunked', '0\r\n\r\n')],
    ['coding in HTTP/1.0', post('Transfer-Encoding: chunked', '0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0')],
    ['space before a colon', post('Content-Length : 3', 'abc')],
    ['a line that goes on', post('X: a\r\n b', '')],
    ['a bare line feed', post('X: a\nY: b', '')],
    ['a bare return', post('X: a\rY: b', '')],
    ['a null', post('X: a\0', '')],
    ['no URL', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['another scheme', 'GET ftp://127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a user in the URL', 'GET http://u@127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['more in the line', 'GET http://127.0.0.1:PORT/ x HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['HTTP/2', 'GET http://127.0.0.1:PORT/ HTTP/2.0\r\nHost: x\r\n\r\n'],
    ['no port', 'CONNECT 127.0.0.1 HTTP/1.1\r\n\r\n'],
    ['a port too high', 'CONNECT 127.0.0.1:70000 HTTP/1.1\r\n\r\n'],
    ['a head too large', `GET http://127.0.0.1:PORT/ HTTP/1.1\r\nX: ${'x'.repeat(300_000)}\r\n\r\n`],
  ])('is refused, and nobody connected to: %s', async (_, request) => {
    await using rig = await openConfigured();
    await using site = await openScript('HTTP/1.1 204 No Content\r\n\r\n');
    using client = openRawClient(rig.proxy.port, request.replace('PORT', String(site.port)));
    await until(() => client.received().startsWith('HTTP/1.1 400 '));
    await until(() => client.end());
    expect(rig.proxy.traffic.connections).toBe(0);
    expect(site.received()).toBe('');
  });

  it.each([
    'z\r\n',
    '-1\r\n',
    '3\r\nabcX\r\n',
    '3\nabc\r\n',
    '0\r\nno trailer\r\n\r\n',
    '1'.repeat(20),
    '3 x\r\nabc\r\n',
  ])('is broken off at a bad chunk: %j', async (body) => {
    await using rig = await openConfigured();
    await using site = await openScript();
    const head = post('Transfer-Encoding: chunked', '').replace('PORT', String(site.port));
    using client = openRawClient(rig.proxy.port, head);
    await until(() => site.received().endsWith('chunked\r\n\r\n'));
    client.socket.write(`${body}\r\n`);
    await until(() => client.received().startsWith('HTTP/1.1 400 '));
    await until(() => site.sockets.size === 0);
  });
});

describe('a large body', () => {
  it('waits for who is slow to read it', async () => {
    await using rig = await openConfigured();
    const size = 64 * 1_024 * 1_024;
    let written = 0;
    await using site = await openSite((_request, response) => {
      response.setHeader('content-length', size);
      const chunk = Buffer.alloc(65_536);
      const more = (): void => {
        while (written < size) {
          written += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    using client = openRawClient(rig.proxy.port, get(site.port));
    await until(() => client.received().length > 0);
    client.socket.pause();
    let before = -1;
    await until(async () => {
      const isStill = before === written;
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return isStill;
    });
    expect(written).toBeLessThan(size / 2);
    client.socket.resume();
    await until(() => written === size && rig.proxy.traffic.receivedBytes > size);
  });
});
