import { Agent } from 'node:http';

import type { Session, SessionEventList, SessionList } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { connectCdp } from '../acceptance/cdp-client.ts';
import { send } from '../acceptance/http-client.ts';
import { until } from '../acceptance/until.ts';
import { callRpc } from './call-rpc.ts';
import { type ClusterNode, KEY_HEADERS, startNodes } from './node.ts';
import { openServers } from './servers.ts';

describe('any node answers for any session', () => {
  const stack = new AsyncDisposableStack();
  let a: ClusterNode;
  let b: ClusterNode;
  let session: Session;
  let path: string;

  beforeAll(async () => {
    const servers = await openServers(stack);
    [a, b] = (await startNodes(stack, servers, { 'node-a': {}, 'node-b': {} })) as [ClusterNode, ClusterNode];
    session = await a.create({ stealthLevel: 'none', metadata: { of: 'a' } });
    path = `/api/sessions/${session.id}`;
  });
  afterAll(() => stack.disposeAsync());

  it('reads and lists it, with the address the client itself has used', async () => {
    expect(session.nodeId).toBe('node-a');
    const seen = (await b.ask(path)).json() as Session;
    expect(seen).toMatchObject({ id: session.id, nodeId: 'node-a', state: 'ACTIVE' });
    expect(new URL(seen.cdpUrl ?? '').host).toBe(new URL(b.address).host);
    const { sessions } = (await b.ask('/api/sessions')).json() as SessionList;
    expect(sessions.map(({ id }) => id)).toEqual([session.id]);
  });

  it('names the address and protocol a gateway was asked for', async () => {
    const headers = { host: 'guise.example', 'x-forwarded-proto': 'https' };
    const seen = (await b.ask(path, { headers })).json() as Session;
    expect(new URL(seen.cdpUrl ?? '').origin).toBe('wss://guise.example');
  });

  it('uses its page, with bodies both ways', async () => {
    const padding = 'x'.repeat(300_000);
    const run = await b.ask(`${path}/execute`, { method: 'POST', body: { code: `return '${padding}'.length` } });
    expect(run.json()).toMatchObject({ result: padding.length });
    const shot = await b.ask(`${path}/screenshot`, { method: 'POST', body: {} });
    expect([shot.status, shot.headers['content-type']]).toEqual([200, 'image/png']);
    expect(shot.body.subarray(1, 4).toString()).toBe('PNG');
  });

  it('changes it, and passes refusals back as they are', async () => {
    const changed = await b.ask(path, { method: 'PATCH', body: { timeoutMs: 600_000 } });
    expect(changed.json()).toMatchObject({ timeoutMs: 600_000 });
    const refused = await b.ask(path, { method: 'PATCH', body: { timeoutMs: 'soon' } });
    expect(refused.status).toBe(400);
    expect(refused.json()).toMatchObject({ code: 'VALIDATION_FAILED', instance: path });
  });

  it('refuses a body that is too large by its answer, on a connection that goes on', async () => {
    using own = new DisposableStack();
    const agent = own.adopt(new Agent({ keepAlive: true, maxSockets: 1 }), (each) => each.destroy());
    const headers = { ...KEY_HEADERS, 'content-type': 'application/json' };
    const body = JSON.stringify({ code: 'x'.repeat(4_000_000) });
    for (const node of [a, b, a, b, a, b]) {
      const refused = await send(`${node.address}${path}/execute`, { method: 'POST', headers, body, agent });
      expect([node.name, refused.status, refused.headers.connection]).toEqual([node.name, 413, 'keep-alive']);
      expect(refused.json()).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
      expect((await send(`${node.address}${path}`, { headers, agent })).status).toBe(200);
    }
  });

  it('streams its events as they happen', async () => {
    const response = await fetch(`${b.address}${path}/events`, {
      headers: { ...KEY_HEADERS, accept: 'text/event-stream' },
    });
    let heard = '';
    const reading = (async (): Promise<void> => {
      for await (const chunk of response.body ?? []) heard += Buffer.from(chunk as Uint8Array).toString();
    })().catch(() => undefined);
    await until('its past is there', () => heard.includes('event: created'));
    await a.ask(path, { method: 'PATCH', body: { metadata: { of: 'a', mark: 'now' } } });
    await until('what happens is there at once', () => /event: updated[\s\S]*event: updated/.test(heard), {
      timeoutMs: 5_000,
    });
    await response.body?.cancel().catch(() => undefined);
    void reading;
  });

  it('relays CDP, in large messages too, and closes it with the reason', async () => {
    const seen = (await b.ask(path)).json() as Session;
    using client = await connectCdp(seen.cdpUrl ?? '');
    const { targetId } = await client.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await client.send('Target.attachToTarget', { targetId, flatten: true });
    const expression = `'${'y'.repeat(2_000_000)}'`;
    const { result } = await client.send('Runtime.evaluate', { expression }, sessionId as string);
    expect((result as { value: string }).value).toHaveLength(2_000_000);
    const wrong = new URL(seen.cdpUrl ?? '');
    wrong.searchParams.set('token', 'none');
    await expect(connectCdp(wrong.href)).rejects.toThrow('401');
  });

  it('does calls of the real-time interface', async () => {
    const calls = await callRpc(b, [
      ['session.get', { sessionId: session.id }],
      ['session.execute', { sessionId: session.id, code: 'return 6 * 7' }],
      ['session.execute', { sessionId: session.id, code: 'throw new Error("no")' }],
      ['session.screenshot', { sessionId: session.id }],
    ]);
    expect(calls[0]?.result).toMatchObject({ id: session.id, nodeId: 'node-a' });
    expect(calls[1]?.result).toMatchObject({ result: 42 });
    expect(calls[2]?.error?.data).toMatchObject({ code: 'SCRIPT_FAILED', pageError: { message: 'no' } });
    expect(calls[3]?.result).toMatchObject({ mediaType: 'image/png' });
  });

  it('asks for a key, and believes no client that says it is a node', async () => {
    const noKey = await b.ask(path, { headers: { authorization: 'Bearer wrong' } });
    expect(noKey.status).toBe(401);
    const forged = { 'x-guise-hop-from': 'node-a', 'x-guise-hop-time': String(Date.now()) };
    const seen = await b.ask(path, { headers: { ...forged, 'x-guise-hop-signature': 'forged' } });
    expect((seen.json() as Session).nodeId).toBe('node-a');
    const internal = await b.ask('/internal/calls', { method: 'POST', body: { method: 'session.list', params: {} } });
    expect(internal.status).toBe(404);
    const socket = new WebSocket(`${b.address.replace('http', 'ws')}/api/ws`);
    const refusal = await new Promise<string>((resolve) => socket.once('error', ({ message }) => resolve(message)));
    expect(refusal).toContain('401');
  });

  it('knows a session through any node as soon as its create is answered, and ends it once, however many ask', async () => {
    const both = [a, b];
    for (let round = 0; round < 4; round += 1) {
      const made = await (both[round % 2] ?? a).create({ stealthLevel: 'none' });
      const own = `/api/sessions/${made.id}`;
      const seen = await Promise.all([a, b, a, b].map((node) => node.ask(own)));
      expect(seen.map((answer) => (answer.json() as Session).state)).toEqual(Array(4).fill('ACTIVE'));
      const ended = await Promise.all([a, b, b, a, b].map((node) => node.ask(own, { method: 'DELETE' })));
      expect(ended.map((answer) => [answer.status, (answer.json() as Session).closeReason])).toEqual(
        Array(5).fill([200, 'requested']),
      );
      const { events } = (await b.ask(`${own}/events`)).json() as SessionEventList;
      expect(events.filter(({ toState }) => toState === 'CLOSED')).toHaveLength(1);
    }
  });

  it('ends it, and answers for what is left of it anywhere', async () => {
    const ended = await b.ask(path, { method: 'DELETE' });
    expect(ended.json()).toMatchObject({ state: 'CLOSED', closeReason: 'requested' });
    for (const node of [a, b]) {
      const used = await node.ask(`${path}/execute`, { method: 'POST', body: { code: 'return 1' } });
      expect(used.json()).toMatchObject({ status: 410, closeReason: 'requested' });
    }
  });
});
