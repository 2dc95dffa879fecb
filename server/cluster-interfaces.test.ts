import { randomUUID } from 'node:crypto';

import type { Session } from '@guise/contract';
import { expect, it } from 'vitest';

import type { ClusterParts } from './build-cluster.ts';
import { joinInterfaces } from './cluster-interfaces.ts';
import { PlacedElsewhere } from './features/cluster/index.ts';
import type { PageCommands, SessionCommands } from './features/sessions/index.ts';
import { KEYLESS } from './lib/actor.ts';

it('a create whose node does not answer is tried again under another id, as one that was counted', async () => {
  const placed: string[] = [];
  const asked: (string | undefined)[] = [];
  const create: SessionCommands['create'] = async (_options, { sessionId }) => {
    asked.push(sessionId);
    if (asked.length === 3) return { id: sessionId } as Session;
    placed.push(sessionId ?? randomUUID());
    throw new PlacedElsewhere({ nodeId: 'gone', sessionId: placed.at(-1) ?? '' });
  };
  // No other node is there any more, and Redis takes everything.
  const cluster = {
    registry: { find: async () => undefined },
    admission: { avoid: () => undefined, giveUp: async () => undefined },
  } as unknown as ClusterParts;
  const own = { sessions: { create } as SessionCommands, pages: {} as PageCommands };
  const hooks = { onForwarded: () => undefined, revive: async () => undefined };
  const { commands } = joinInterfaces(cluster, own, hooks);
  const caller = { origin: 'ws://localhost', actor: KEYLESS, signal: new AbortController().signal };
  const { id } = await commands.sessions.create({}, caller);
  expect(asked).toEqual([undefined, expect.any(String), id]);
  expect(placed).not.toContain(id);
  expect(new Set(placed).size).toBe(2);
});
