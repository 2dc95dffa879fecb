import { text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { send } from '../../../test/acceptance/http-client.ts';
import { sendRaw } from '../../../test/acceptance/raw-websocket.ts';
import { Backend, breakOff, startSilentNode } from '../../testing/backend.ts';
import { expectGatewayProblem } from '../../testing/gateway-problem.ts';
import { type Gateway, openGateway } from '../../testing/gateway.ts';

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

const GENEROUS = { GATEWAY_API_BURST: '200', GATEWAY_CREATE_BURST: '200' };
const open = (nodes: readonly number[]): Promise<Gateway> => openGateway(stack, { nodes, settings: GENEROUS });

describe('the gateway, when a node fails', () => {
  it.each(['GET', 'POST', 'PATCH', 'DELETE'])('answers every %s though a node has died', async (method) => {
    const [dead, first, second] = [await Backend.start(stack), await Backend.start(stack), await Backend.start(stack)];
    const gateway = await open([dead.port, first.port, second.port]);
    await dead.stop();
    for (let count = 0; count < 12; count += 1) {
      expect((await send(`${gateway.url}/api/sessions`, { method, body: '' })).status).toBe(200);
    }
    expect(first.received.length + second.received.length).toBe(12);
  });

  it.each(['GET', 'POST'])('gives up on a node that takes no connection, and asks another for a %s', async (method) => {
    const silent = await startSilentNode(stack);
    const alive = await Backend.start(stack);
    const gateway = await open([silent, alive.port]);
    for (let count = 0; count < 6; count += 1) {
      expect((await send(`${gateway.url}/api/sessions`, { method, body: '' })).status).toBe(200);
    }
    const passedOn = (await gateway.log()).filter(({ node }) => node.startsWith(`127.0.0.1:${silent},`));
    expect(passedOn.length).toBeGreaterThan(0);
    for (const { node, nodeStatus, nodeSeconds } of passedOn) {
      expect(`${node} ${nodeStatus}`).toBe(`127.0.0.1:${silent}, 127.0.0.1:${alive.port} 504, 200`);
      // The time-out of a connection, and not one of those that begin after it.
      expect(Math.round(Number(nodeSeconds.split(',')[0]))).toBe(1);
    }
  });

  it.each(['POST', 'PATCH'])('never sends a %s again that a node may have taken', async (method) => {
    const nodes = [await Backend.start(stack, breakOff), await Backend.start(stack, breakOff)];
    const gateway = await open(nodes.map(({ port }) => port));
    const body = '{"metadata":{}}';
    const answer = await send(`${gateway.url}/api/sessions`, {
      method,
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect(expectGatewayProblem(answer, 'NODE_UNAVAILABLE').detail).toContain('may have been changed');
    expect(nodes.flatMap(({ received }) => received)).toHaveLength(1);
  });

  it('asks another node for what may be repeated when one breaks off', async () => {
    const failing = await Backend.start(stack, breakOff);
    const alive = await Backend.start(stack);
    const gateway = await open([failing.port, alive.port]);
    for (let count = 0; count < 6; count += 1) {
      expect((await send(`${gateway.url}/api/sessions/1`)).status).toBe(200);
    }
    expect(failing.received.length).toBeGreaterThan(0);
    expect(alive.received).toHaveLength(6);
  });

  it.each([
    ['GET', 200],
    ['POST', 502],
  ])('looks once more for a node for a %s, when it is left without one: %i', async (method, status) => {
    let asked = 0;
    const node = await Backend.start(stack, (request, response) => {
      asked += 1;
      if (asked === 1) breakOff(request);
      else response.end('here');
    });
    const gateway = await open([node.port]);
    expect((await send(`${gateway.url}/api/sessions/1`, { method, body: '' })).status).toBe(status);
    expect(node.received).toHaveLength(status === 200 ? 2 : 1);
  });

  it('says so when there is no node', async () => {
    const node = await Backend.start(stack);
    const gateway = await open([node.port]);
    await node.stop();
    const problem = expectGatewayProblem(await send(`${gateway.url}/api/sessions/1?token=hush`), 'NODE_UNAVAILABLE');
    expect(problem).toMatchObject({ instance: '/api/sessions/1', retryAfterSeconds: 2 });
  });

  it('hands on what a node refuses, unchanged', async () => {
    const refusal = '{"code":"CAPACITY_EXHAUSTED"}';
    const node = await Backend.start(stack, (_request, response) => {
      response.writeHead(429, { 'content-type': 'application/problem+json', 'retry-after': '17' }).end(refusal);
    });
    const gateway = await open([node.port]);
    const answer = await send(`${gateway.url}/api/sessions`, { method: 'POST' });
    expect(answer).toMatchObject({ status: 429, text: refusal, headers: { 'retry-after': '17' } });
  });

  it('takes what is no address into a problem without breaking it', async () => {
    const node = await Backend.start(stack);
    const gateway = await open([node.port]);
    await node.stop();
    const socket = sendRaw(gateway.port, 'GET /api/a"b\\c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const [head, body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 502 /);
    const problem = JSON.parse(body) as { instance: string };
    expect(problem.instance).toBe('/api/a');
  });
});
