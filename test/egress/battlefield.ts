import type { CreateSession, Session, SessionEvent, SessionEventList } from '@guise/contract';

import { type Api, expectStatus } from '../acceptance/api.ts';
import { type Service, startService } from '../acceptance/service.ts';
import { until } from '../acceptance/until.ts';
import { type AttackSite, SITE_ADDRESS, startAttackSite } from './attack-site.ts';
import { zonesOf } from './host-forms.ts';
import { type NameServer, startNameServer } from './name-server.ts';
import { VictimRow } from './victims.ts';

/** `held`: sessions may reach the attacker's site and nothing else of this machine; `open`: all of loopback, to show that an attempt is one. */
export type Side = 'held' | 'open';
export const SIDES = ['held', 'open'] as const;

const ALLOWED: Readonly<Record<Side, string>> = {
  held: `${SITE_ADDRESS}/32`,
  open: '127.0.0.0/8,::1/128,0.0.0.0/32,::/128',
};

/** A service with all that its sessions attack, and that may see nothing of it. */
export interface Battlefield {
  readonly side: Side;
  readonly service: Service;
  readonly api: Api;
  readonly site: AttackSite;
  readonly names: NameServer;
  readonly victims: VictimRow;
}

/** Sets one up. `stack` takes it down. */
export async function openBattlefield(
  stack: AsyncDisposableStack,
  side: Side,
  settings: Readonly<Record<string, string>> = {},
): Promise<Battlefield> {
  const site = await startAttackSite(stack);
  const names = await startNameServer(stack, zonesOf(SITE_ADDRESS));
  const service = await startService(stack, {
    WARM_POOL_SIZE: '0',
    EGRESS_ALLOW: ALLOWED[side],
    EGRESS_DNS: names.address,
    ...settings,
  });
  return { side, service, api: service.api, site, names, victims: new VictimRow(stack) };
}

/** Runs something in a session of its own, which is ended after it. */
export async function withSession<Value>(
  api: Api,
  options: CreateSession,
  run: (session: Session) => Promise<Value>,
): Promise<Value> {
  const session = await api.create(options);
  try {
    return await run(session);
  } finally {
    await api.end(session.id);
  }
}

/** All refusals in a session's history. */
export async function listRefusals(api: Api, id: string): Promise<SessionEvent[]> {
  const path = `/api/sessions/${id}/events?limit=1000`;
  const { events } = expectStatus<SessionEventList>(await api.call('GET', path), 200);
  return events.filter(({ type }) => type === 'egressRefused');
}

/** The refusal of a connection to a port. */
export function refusalOf(events: readonly SessionEvent[], port: number): SessionEvent | undefined {
  return events.find(({ data }) => data['port'] === port);
}

/** Waits until something is so for all, or for as long as is given to those that never will: who looks later says which. */
export async function settle(isDone: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
  await until('all attempts have come to an end', isDone, { timeoutMs, pollMs: 100 }).catch(() => undefined);
}
