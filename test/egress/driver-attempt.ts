import type { Session } from '@guise/contract';

import type { Api } from '../acceptance/api.ts';
import type { CdpClient, CdpEvent } from '../acceptance/cdp-client.ts';
import type { AttackSite } from './attack-site.ts';
import type { Aim } from './page-attempt.ts';

/** What whoever drives a session has at hand for an attempt. */
export interface Driver {
  readonly api: Api;
  readonly session: Session;
  readonly client: CdpClient;
  /** CDP session of an empty tab that is the attempt's own. */
  readonly tab: string;
  readonly site: AttackSite;
}

/** Something a client of a session tries. */
export interface DriverAttempt {
  readonly title: string;
  /**
   * What must become of it: `connection`: it is tried, and refused as a connection; `command`: it is not even tried: `run` rejects;
   * `nothing`: it comes to an end without any connection to the victim being asked for; `arrival`: it is refused in the history of another session.
   */
  readonly ends: 'connection' | 'command' | 'nothing' | 'arrival';
  readonly run: (driver: Driver, aim: Aim) => Promise<unknown>;
}

/** The next event of this name. */
export function nextEvent(client: CdpClient, method: string): Promise<CdpEvent> {
  const found = Promise.withResolvers<CdpEvent>();
  client.onEvent((event) => {
    if (event.method === method) found.resolve(event);
  });
  return found.promise;
}
