import { once } from 'node:events';
import type { Socket } from 'node:net';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { until } from '../../../server/testing/until.ts';
import { send } from '../../../test/acceptance/http-client.ts';
import { openRawWebSocket } from '../../../test/acceptance/raw-websocket.ts';
import { Backend } from '../../testing/backend.ts';
import { expectGatewayProblem } from '../../testing/gateway-problem.ts';
import { type Gateway, openGateway } from '../../testing/gateway.ts';

const WEBSOCKETS = ['/api/sessions/1/cdp?token=t', '/api/sessions/1/live', '/api/ws', '/connect?apiKey=k'];
/** What the API's time-outs become, for tests that wait for them. */
const IMPATIENT = {
  'proxy_read_timeout 300s': 'proxy_read_timeout 1s',
  'proxy_send_timeout 300s': 'proxy_send_timeout 1s',
};

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

async function openSocket(gateway: Gateway, address: string): Promise<Socket> {
  const { socket } = await openRawWebSocket(`ws://127.0.0.1:${gateway.port}${address}`);
  stack.defer(() => void socket.destroy());
  return socket;
}

/** Sends bytes and waits until as many have come back. */
async function echo(socket: Socket, bytes: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
  });
  socket.write(bytes);
  await until(() => length >= bytes.length);
  return Buffer.concat(chunks);
}

describe('WebSockets through the gateway', () => {
  it.each(WEBSOCKETS)('pass both ways on %s', async (address) => {
    const node = await Backend.start(stack);
    const gateway = await openGateway(stack, { nodes: [node.port] });
    const bytes = Buffer.alloc(1024 ** 2, 'guise');
    expect((await echo(await openSocket(gateway, address), bytes)).equals(bytes)).toBe(true);
    expect(node.received).toMatchObject([{ url: address, headers: { upgrade: 'websocket', connection: 'upgrade' } }]);
  });

  it.each(WEBSOCKETS)('outlive on %s the time the API gives an answer', async (address) => {
    let release = (): void => undefined;
    const node = await Backend.start(stack, (_request, response) => (release = () => void response.end()));
    const gateway = await openGateway(stack, { nodes: [node.port], edits: IMPATIENT });
    const socket = await openSocket(gateway, address);
    const isOpen = (): boolean => !socket.destroyed && socket.readable;
    expectGatewayProblem(await send(`${gateway.url}/api/profiles`), 'OPERATION_TIMED_OUT');
    expectGatewayProblem(await send(`${gateway.url}/api/profiles`), 'OPERATION_TIMED_OUT');
    release();
    expect(isOpen()).toBe(true);
    expect((await echo(socket, Buffer.from('still here'))).toString()).toBe('still here');
  });

  it('are refused with the answer a node gives in place of an upgrade', async () => {
    const node = await Backend.start(stack);
    const gateway = await openGateway(stack, { nodes: [node.port] });
    await expect(openSocket(gateway, '/api/sessions/1/cdp?refuse')).rejects.toThrow(/^HTTP\/1\.1 401 /);
  });

  it('go to a node that lives', async () => {
    const [dead, alive] = [await Backend.start(stack), await Backend.start(stack)];
    const gateway = await openGateway(stack, { nodes: [dead.port, alive.port] });
    await dead.stop();
    for (let count = 0; count < 4; count += 1) await openSocket(gateway, '/api/sessions/1/cdp');
    expect(alive.received).toHaveLength(4);
  });

  it('end at one side when the other does', async () => {
    const node = await Backend.start(stack);
    const gateway = await openGateway(stack, { nodes: [node.port] });
    const socket = await openSocket(gateway, '/api/ws');
    await Promise.all([once(socket, 'close'), node.stop()]);
  });
});

describe('streams through the gateway', () => {
  it('of events come piece by piece and may pause for longer than an answer may take', async () => {
    const node = await Backend.start(stack, ({ url }, response) => {
      if (url !== '/api/sessions/1/events') return;
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      setTimeout(() => response.end('data: 2\n\n'), 1_500);
    });
    const gateway = await openGateway(stack, { nodes: [node.port], edits: IMPATIENT });
    const response = await fetch(`${gateway.url}/api/sessions/1/events`);
    const pieces: string[] = [];
    for await (const piece of response.body ?? []) pieces.push(Buffer.from(piece as Uint8Array).toString());
    expect(pieces).toEqual(['data: 1\n\n', 'data: 2\n\n']);
  });

  it('of large answers arrive whole', async () => {
    const large = Buffer.alloc(24 * 1024 ** 2, 'artifact');
    const node = await Backend.start(stack, (_request, response) => response.end(large));
    const gateway = await openGateway(stack, { nodes: [node.port] });
    expect((await send(`${gateway.url}/api/artifacts/1`)).body.equals(large)).toBe(true);
  });
});
