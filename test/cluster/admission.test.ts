import type { Problem, Session } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { connectCdp } from '../acceptance/cdp-client.ts';
import { until } from '../acceptance/until.ts';
import { callRpc } from './call-rpc.ts';
import { type ClusterNode, KEY_HEADERS, listKnownNodes, startNodes } from './node.ts';
import { openServers, type Servers } from './servers.ts';

const PLAIN = { stealthLevel: 'none' };

describe('creates over a cluster', () => {
  const stack = new AsyncDisposableStack();
  let servers: Servers;
  let nodes: ClusterNode[];

  beforeAll(async () => {
    servers = await openServers(stack);
    const few = { MAX_SESSIONS: '1', QUEUE_LIMIT: '2', QUEUE_TIMEOUT_MS: '8000' };
    nodes = await startNodes(stack, servers, { 'node-a': few, 'node-b': few, 'node-c': few });
  });
  afterAll(() => stack.disposeAsync());

  const node = (index: number): ClusterNode => {
    const found = nodes[index % nodes.length];
    if (found === undefined) throw new Error('There are no nodes');
    return found;
  };
  const endAll = async (): Promise<void> => {
    const rows = await servers.query("select id from sessions where state <> 'CLOSED'");
    await Promise.all(rows.map(([id = ''], index) => node(index).ask(`/api/sessions/${id}`, { method: 'DELETE' })));
    await until('all places are free', async () => {
      const known = await listKnownNodes(node(0));
      return known.every(({ taken }) => taken === 0);
    });
  };

  it('fill it to its last place and no further, wherever they come from; those who wait get theirs in turn', async () => {
    const racing = Array.from({ length: 15 }, (_, index) =>
      node(index).ask('/api/sessions', { method: 'POST', body: PLAIN }),
    );
    const answers = await Promise.all(racing);
    const made = answers.filter(({ status }) => status === 201).map((answer) => answer.json() as Session);
    expect(made.map(({ nodeId }) => nodeId).sort()).toEqual(['node-a', 'node-b', 'node-c']);
    const refused = answers.filter(({ status }) => status !== 201);
    for (const answer of refused) {
      expect(answer.json()).toMatchObject({ status: 429, code: 'CAPACITY_EXHAUSTED' } satisfies Partial<Problem>);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    const rows = await servers.query("select distinct node_id from sessions where state = 'ACTIVE'");
    expect(rows).toHaveLength(3);
    await endAll();
  });

  it('are done where there is room, over every interface, under one id', async () => {
    const first = await node(0).create(PLAIN);
    expect(first.nodeId).toBe('node-a');
    const second = await node(0).create(PLAIN);
    expect(second.nodeId).not.toBe('node-a');
    expect(new URL(second.cdpUrl ?? '').host).toBe(new URL(node(0).address).host);
    const [third] = await callRpc(node(0), [['session.create', PLAIN]]);
    expect(third?.result).toMatchObject({ state: 'ACTIVE' });
    await endAll();
  });

  it('are done elsewhere for who connects, too, and end with that connection', async () => {
    await node(0).create(PLAIN);
    const address = `${node(0).address.replace('http', 'ws')}/connect?stealthLevel=none&apiKey=`;
    {
      using client = await connectCdp(`${address}a-secret-of-twenty-four-characters`);
      expect(await client.send('Browser.getVersion')).toHaveProperty('product');
      const rows = await servers.query("select node_id from sessions where state = 'ACTIVE' and node_id <> 'node-a'");
      expect(rows).toHaveLength(1);
    }
    await until('the session has ended with its client', async () => {
      const [row] = await servers.query("select count(*) from sessions where state <> 'CLOSED'");
      return row?.[0] === '1';
    });
    await endAll();
  });

  it('are broken off on the node that does them when their client goes, and their places are free', async () => {
    await node(0).create(PLAIN);
    const gone = new AbortController();
    const { signal } = gone;
    const body = JSON.stringify({ ...PLAIN, metadata: { who: 'leaving' } });
    const headers = { ...KEY_HEADERS, 'content-type': 'application/json' };
    const leaving = fetch(`${node(0).address}/api/sessions`, { method: 'POST', signal, headers, body });
    leaving.catch(() => undefined);
    const state = async (): Promise<string[] | undefined> =>
      (
        await servers.query("select state, close_reason, node_id from sessions where metadata ->> 'who' = 'leaving'")
      )[0];
    await until('it is under way', async () => (await state())?.[0] === 'INITIALIZING', { pollMs: 5 });
    gone.abort();
    await until('it has been broken off', async () => (await state())?.[0] === 'CLOSED');
    const [, reason, nodeId] = (await state()) ?? [];
    expect(reason).toBe('client_disconnected');
    expect(nodeId).not.toBe('node-a');
    await endAll();
  });

  it('wait for a place on any node, and give up their place in line when they go', async () => {
    const held = await Promise.all([0, 1, 2].map((index) => node(index).create(PLAIN)));
    const lineHas = (count: number): Promise<unknown> =>
      until(`${count} in line`, async () => {
        const { cluster } = (await node(2).ask('/status')).json() as { cluster: { waiting: number } };
        return cluster.waiting === count;
      });
    const gone = new AbortController();
    const { signal } = gone;
    const leaving = fetch(`${node(1).address}/api/sessions`, { method: 'POST', signal, headers: KEY_HEADERS });
    leaving.catch(() => undefined);
    await lineHas(1);
    gone.abort();
    await lineHas(0);
    const waiting = node(0).ask('/api/sessions', { method: 'POST', body: PLAIN });
    await lineHas(1);
    const freed = held.find(({ nodeId }) => nodeId === 'node-c');
    await node(0).ask(`/api/sessions/${freed?.id ?? ''}`, { method: 'DELETE' });
    const answer = await waiting;
    expect([answer.status, (answer.json() as Session).nodeId]).toEqual([201, 'node-c']);
    await endAll();
  });

  it('wear a profile in one place at a time, and take it over from another node', async () => {
    const profile = (await node(0).ask('/api/profiles', { method: 'POST', body: { name: 'One' } })).json() as {
      id: string;
    };
    const wearing = { ...PLAIN, profileId: profile.id };
    const first = await node(1).create(wearing);
    const refused = await node(2).ask('/api/sessions', { method: 'POST', body: wearing });
    expect(refused.json()).toMatchObject({ code: 'PROFILE_LOCKED', sessionId: first.id });
    const second = await node(2).create({ ...wearing, takeOver: true });
    expect(second.nodeId).not.toBe(first.nodeId);
    expect((await node(0).ask(`/api/sessions/${first.id}`)).json()).toMatchObject({ state: 'CLOSED' });
    await endAll();
  });
});
