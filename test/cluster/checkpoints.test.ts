import { setTimeout as sleep } from 'node:timers/promises';

import type { ExecuteResult, Session } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { connectCdp } from '../acceptance/cdp-client.ts';
import { type PageServer, startPageServer } from '../acceptance/page-server.ts';
import { listProcessesOf } from '../acceptance/processes.ts';
import { until } from '../acceptance/until.ts';
import { REMEMBER, REMEMBERED, rememberedAt, REMEMBERING_PAGE } from '../checkpoint-site.ts';
import { type ClusterNode, startNodes } from './node.ts';
import { openServers, type Servers } from './servers.ts';

/** Long enough for a node that goes on to do what it would do to its former sessions. Milliseconds. */
const FORMER_ACTS_MS = 3_000;
/** A loss is noticed within 10 s; the rest is for a browser to start on a busy machine. Milliseconds. */
const RESTORED_MS = 40_000;

describe('a session with checkpoints in a cluster', () => {
  const stack = new AsyncDisposableStack();
  let servers: Servers;
  let site: PageServer;
  let a: ClusterNode;
  let b: ClusterNode;
  let c: ClusterNode;

  beforeAll(async () => {
    servers = await openServers(stack);
    site = await startPageServer(stack);
    site.on('/page', REMEMBERING_PAGE);
    const own = { MAX_SESSIONS: '2', CHECKPOINT_INTERVAL_MS: '1000', DRAIN_TIMEOUT_MS: '500' };
    const nodes = await startNodes(stack, servers, { 'node-a': own, 'node-b': own, 'node-c': own });
    [a, b, c] = nodes as [ClusterNode, ClusterNode, ClusterNode];
  });
  afterAll(() => stack.disposeAsync());

  const read = async (node: ClusterNode, { id }: Session): Promise<Session> =>
    (await node.ask(`/api/sessions/${id}`)).json() as Session;
  const evaluate = async (node: ClusterNode, { id }: Session, code: string): Promise<unknown> => {
    const answer = await node.ask(`/api/sessions/${id}/execute`, { method: 'POST', body: { code } });
    return answer.status === 200 ? (answer.json() as ExecuteResult).result : answer.text;
  };
  const lastSaved = async ({ id }: Session): Promise<string> =>
    String(await servers.query(`select saved_at from session_checkpoints where session_id = '${id}'`));
  const openAndRemember = async (node: ClusterNode, session: Session): Promise<void> => {
    await node.ask(`/api/sessions/${session.id}/navigate`, { method: 'POST', body: { url: `${site.origin}/page` } });
    // What was begun before the first of these two was written may have seen less; what came after it has not.
    for (const code of [REMEMBER, 'localStorage.last = 1']) {
      const before = await lastSaved(session);
      await evaluate(node, session, code);
      await until('a checkpoint is taken', async () => (await lastSaved(session)) !== before);
    }
  };
  /** Waits until the session is on another node than `former`, and has what it had. */
  const expectRestored = async (node: ClusterNode, session: Session, former: string): Promise<Session> => {
    const restored = await until(
      'it is on another node',
      async () => {
        const now = await read(node, session);
        return now.state === 'ACTIVE' && now.nodeId !== former && now;
      },
      { timeoutMs: RESTORED_MS },
    );
    const seen = (): Promise<unknown> => evaluate(node, session, REMEMBERED);
    await expect.poll(seen, { timeout: 15_000 }).toEqual(rememberedAt(`${site.origin}/page`, session));
    return restored;
  };
  const endsOf = async ({ id }: Session): Promise<number> =>
    (await servers.query(`select 1 from session_events where session_id = '${id}' and to_state = 'CLOSED'`)).length;

  it('goes on elsewhere when its node is killed, and clients reach it at the same address', async () => {
    const profile = await a.ask('/api/profiles', { method: 'POST', body: { name: 'P' } });
    const { id: profileId } = profile.json() as { id: string };
    const session = await c.create({ checkpoint: true, profileId });
    expect(session.nodeId).toBe('node-c');
    await openAndRemember(a, session);
    const { cdpUrl } = await read(a, session);
    using client = await connectCdp(cdpUrl ?? '');
    c.kill('SIGKILL');
    await client.closed;
    const restored = await expectRestored(a, session, 'node-c');
    expect(restored).toMatchObject({ identity: session.identity, profileId, cdpUrl });
    using again = await connectCdp(cdpUrl ?? '');
    expect(await again.send('Browser.getVersion')).toHaveProperty('product');
    // It wears its profile still.
    const refused = await b.ask('/api/sessions', { method: 'POST', body: { profileId } });
    expect(refused.json()).toMatchObject({ code: 'PROFILE_LOCKED', sessionId: session.id });
    await b.ask(`/api/sessions/${session.id}`, { method: 'DELETE' });
    expect(await endsOf(session)).toBe(1);
  });

  it('is left alone by its former node, which was stopped for long and goes on', async () => {
    const session = await b.create({ checkpoint: true });
    expect(session.nodeId).toBe('node-b');
    await openAndRemember(a, session);
    b.kill('SIGSTOP');
    await expectRestored(a, session, 'node-b');
    b.kill('SIGCONT');
    await until('its browsers are gone', () => listProcessesOf(b.dataDir).length === 0);
    await sleep(FORMER_ACTS_MS);
    expect(await read(b, session)).toMatchObject({ state: 'ACTIVE', nodeId: 'node-a' });
    expect(await evaluate(b, session, 'localStorage.name')).toBe('kept "locally" ✓');
    expect(await endsOf(session)).toBe(0);
    await a.ask(`/api/sessions/${session.id}`, { method: 'DELETE' });
  });

  it('moves when its node is told to stop', async () => {
    const session = await b.create({ checkpoint: true });
    const other = await b.create({});
    expect([session.nodeId, other.nodeId]).toEqual(['node-b', 'node-b']);
    await openAndRemember(b, session);
    b.kill('SIGTERM');
    await expectRestored(a, session, 'node-b');
    expect(await b.exited).toBe(0);
    expect(await read(a, other)).toMatchObject({ state: 'CLOSED', closeReason: 'node_drained' });
    expect(await endsOf(session)).toBe(0);
    await a.ask(`/api/sessions/${session.id}`, { method: 'DELETE' });
  });

  it('leaves nothing behind', async () => {
    expect(await servers.query('select session_id from session_checkpoints')).toEqual([]);
    expect(await servers.query('select id from profiles where locked_by_session_id is not null')).toEqual([]);
  });
});
