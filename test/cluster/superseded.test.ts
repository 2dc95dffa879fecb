import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { listProcessesOf } from '../acceptance/processes.ts';
import { until } from '../acceptance/until.ts';
import { type ClusterNode, startNodes } from './node.ts';
import { openServers, type Servers } from './servers.ts';

/** Longer than a node waits before it looks again for rows of its name that are nobody's. Milliseconds. */
const FORMER_ACTS_MS = 12_000;
/** A browser has to start on a busy machine. Milliseconds. */
const RESTORED_MS = 40_000;
const TEST_TIMEOUT_MS = 180_000;
const OWN = { MAX_SESSIONS: '2', CHECKPOINT_INTERVAL_MS: '1000' };

describe('a process whose name another has joined under', () => {
  const stack = new AsyncDisposableStack();
  let servers: Servers;

  beforeAll(async () => {
    servers = await openServers(stack);
  });
  afterAll(() => stack.disposeAsync());

  const startNode = async (): Promise<ClusterNode> => {
    const nodes = await startNodes(stack, servers, { 'node-a': OWN });
    return (nodes as [ClusterNode])[0];
  };

  it('ends its browsers and leaves the sessions to its successor', { timeout: TEST_TIMEOUT_MS }, async () => {
    const first = await startNode();
    const profile = await first.ask('/api/profiles', { method: 'POST', body: { name: 'P' } });
    const { id: profileId } = profile.json() as { id: string };
    const session = await first.create({ profileId, checkpoint: true });
    await until('a checkpoint is taken', async () => {
      const rows = await servers.query(`select 1 from session_checkpoints where session_id = '${session.id}'`);
      return rows.length > 0;
    });
    first.kill('SIGSTOP');
    const second = await startNode();
    const restored = `select 1 from session_events where session_id = '${session.id}' and type = 'restored'`;
    const isRestored = async (): Promise<boolean> => (await servers.query(restored)).length > 0;
    await until('the successor goes on with it', isRestored, { timeoutMs: RESTORED_MS });
    const other = await second.create({ stealthLevel: 'none' });

    first.kill('SIGCONT');
    await until('the browsers of the first are gone', () => listProcessesOf(first.dataDir).length === 0);
    await sleep(FORMER_ACTS_MS);
    const ends = await servers.query(`select session_id, reason from session_events where to_state = 'CLOSED'`);
    expect(ends).toEqual([]);
    expect(await servers.query('select locked_by_session_id from profiles')).toEqual([[session.id]]);
    for (const { id } of [session, other]) {
      const run = await second.ask(`/api/sessions/${id}/execute`, { method: 'POST', body: { code: 'return 6 * 7' } });
      expect(run.json()).toMatchObject({ result: 42 });
    }
  });
});
