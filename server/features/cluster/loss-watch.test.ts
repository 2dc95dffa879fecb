import { describe, expect, it } from 'vitest';

import { silentLogger } from '../../platform/logger/logger.ts';
import type { Standing } from './cluster-repository.ts';
import type { SeenNode } from './cluster-store.ts';
import { LossWatch } from './loss-watch.ts';

const NODE: SeenNode = {
  nodeId: 'b',
  epoch: 3,
  url: 'http://b',
  version: '1',
  limit: 1,
  queueLimit: 1,
  isOpen: true,
  isDraining: false,
  taken: 1,
  ageMs: 7_000,
};

interface Circumstances {
  /** Nodes not heard of, before and after the second look. */
  readonly stale?: readonly (readonly SeenNode[])[];
  readonly owners?: readonly { readonly nodeId: string; readonly epoch: number | null }[];
  readonly isSteady?: boolean;
  readonly isAlive?: boolean;
  /** Whether this node is the one that declares it. */
  readonly declares?: boolean;
  /** How the node stands where another was faster. */
  readonly standing?: Standing;
  /** Nodes Redis knows of, by what was heard last, and by another look. */
  readonly known?: readonly SeenNode[];
  readonly knownThen?: readonly SeenNode[];
}

/** One look in given circumstances; tells what was done. */
async function watchOnce(circumstances: Circumstances): Promise<string[]> {
  const { stale = [[], []], owners = [], isSteady = true, isAlive = false, declares = true } = circumstances;
  const { standing = 'lost', known = stale[0] ?? [], knownThen = known } = circumstances;
  const done: string[] = [];
  let looks = 0;
  let now = 0;
  const declare = async (nodeId: string): Promise<boolean> => {
    done.push(`declare ${nodeId}`);
    return declares;
  };
  const watch = new LossWatch({
    nodeId: 'a',
    membership: { isSuperseded: false },
    registry: {
      isSteady,
      get view() {
        return { nodes: looks === 0 ? known : knownThen, waiting: 0, knownMs: 100_000 };
      },
      urlOf: () => undefined,
      listStale: () => [...(stale[looks] ?? [])],
      look: async () => void (looks += 1),
    },
    repository: {
      declareLost: declare,
      declareUnknownLost: declare,
      findStanding: async () => standing,
      listOwners: async () => [...owners],
      listLeftSessions: async () => ['s1'],
    },
    store: { forget: async (nodeId) => void done.push(`forget ${nodeId}`) },
    client: { busyWith: [], breakOff: () => undefined },
    isAlive: async () => isAlive,
    closeSessions: async (nodeId, ids) => void done.push(`close ${nodeId} ${ids.join()}`),
    logger: silentLogger,
    now: () => now,
  });
  now += 10_000;
  await watch.check(new AbortController().signal);
  return done;
}

describe('a node that is looked for', () => {
  it('is lost when it is not heard of and does not answer', async () => {
    const done = await watchOnce({ stale: [[NODE], [NODE]] });
    expect(done).toEqual(['declare b', 'forget b', 'close b s1']);
  });

  it('is not lost while Redis has not answered for long enough, or has forgotten', async () => {
    expect(await watchOnce({ stale: [[NODE], [NODE]], owners: [{ nodeId: 'c', epoch: 1 }], isSteady: false })).toEqual(
      [],
    );
  });

  it('is not lost where it has been heard of meanwhile, or answers at its address', async () => {
    expect(await watchOnce({ stale: [[NODE], []] })).toEqual([]);
    expect(await watchOnce({ stale: [[NODE], [NODE]], isAlive: true })).toEqual([]);
  });

  it('is forgotten, and its sessions closed, also where it was declared lost before and that was not done', async () => {
    const done = await watchOnce({ stale: [[NODE], [NODE]], declares: false, standing: 'lost' });
    expect(done).toEqual(['declare b', 'forget b', 'close b s1']);
  });

  it('is left alone where it has joined anew', async () => {
    const joined = { declares: false, standing: 'superseded' } as const;
    expect(await watchOnce({ stale: [[NODE], [NODE]], ...joined })).toEqual(['declare b']);
    for (const epoch of [2, null]) {
      expect(await watchOnce({ owners: [{ nodeId: 'c', epoch }], ...joined })).toEqual(['declare c']);
    }
  });

  it('is found by its rows where Redis knows nothing of it, also when another has left them half closed', async () => {
    const owners = [
      { nodeId: 'a', epoch: 1 },
      { nodeId: 'c', epoch: 2 },
      { nodeId: 'old', epoch: null },
    ];
    expect(await watchOnce({ owners })).toEqual(['declare c', 'forget c', 'close c s1', 'declare old', 'close old s1']);
    const justJoined = { ...NODE, nodeId: 'c', epoch: 2 };
    expect(await watchOnce({ owners: owners.slice(0, 2), knownThen: [justJoined] })).toEqual([]);
    const late = await watchOnce({ owners: [{ nodeId: 'c', epoch: 2 }], declares: false });
    expect(late).toEqual(['declare c', 'forget c', 'close c s1']);
  });
});
