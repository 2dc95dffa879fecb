import { setTimeout as sleep } from 'node:timers/promises';

import { connectCdp } from '../acceptance/cdp-client.ts';
import { type Battlefield, listRefusals, refusalOf, settle, withSession } from './battlefield.ts';
import type { DriverAttempt } from './driver-attempt.ts';
import type { Outcome } from './run-pages.ts';

/** How long a connection that an attempt asks for may take to come or to be refused. */
const PATIENCE_MS = 8_000;
/** An attempt that is not done by then has gone wrong. */
const ATTEMPT_TIMEOUT_MS = 20_000;

/** What has become of what a client tried. */
export interface DriverOutcome extends Outcome {
  /** What it was answered with when that was an error. */
  readonly error: string | undefined;
}

async function withDeadline<Value>(attempt: Promise<Value>): Promise<Value> {
  const late = sleep(ATTEMPT_TIMEOUT_MS, undefined, { ref: false }).then((): never => {
    throw new Error('It has not come to an end');
  });
  return Promise.race([attempt, late]);
}

/** Makes all attempts one after another in one session, each in a tab of its own, and says what has become of each, by its title. */
export async function runDrivers(
  field: Battlefield,
  attempts: readonly DriverAttempt[],
): Promise<ReadonlyMap<string, DriverOutcome>> {
  const { api, site, victims } = field;
  return withSession(api, {}, async (session) => {
    using client = await connectCdp(session.cdpUrl ?? '');
    const outcomes = new Map<string, DriverOutcome>();
    for (const attempt of attempts) {
      const { arrived, port } = await victims.open();
      const { targetId } = await client.send('Target.createTarget', { url: 'about:blank' });
      const attached = await client.send('Target.attachToTarget', { targetId, flatten: true });
      const tab = attached['sessionId'] as string;
      const place = `127.0.0.1:${port}`;
      const aim = { place, url: `http://${place}/` };
      const error = await withDeadline(attempt.run({ api, session, client, tab, site }, aim)).then(
        () => undefined,
        (reason: unknown) => String(reason),
      );
      const findRefusal = async (): Promise<Outcome['refusal']> => refusalOf(await listRefusals(api, session.id), port);
      if (attempt.ends === 'connection')
        await settle(async () => arrived.tcp > 0 || !!(await findRefusal()), PATIENCE_MS);
      outcomes.set(attempt.title, { arrived, refusal: await findRefusal(), error });
      await client.send('Target.closeTarget', { targetId }).catch(() => undefined);
    }
    return outcomes;
  });
}
