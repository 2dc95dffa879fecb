import type { Session, SessionEvent } from '@guise/contract';

import { connectCdp } from '../acceptance/cdp-client.ts';
import { expectStatus } from '../acceptance/api.ts';
import type { Aim, PageAttempt } from './page-attempt.ts';
import { type Battlefield, listRefusals, refusalOf, settle, withSession } from './battlefield.ts';
import type { Victim } from './victims.ts';

/** How long attempts may take that never come to an end; the others are waited for no longer than they take. */
const PATIENCE_MS = 12_000;
/** A page with more frames than this takes longer than two of them. */
const FRAMES_PER_PAGE = 40;

/** What has become of an attempt. */
export interface Outcome {
  /** TCP connections and datagrams that have arrived at its victim. */
  readonly arrived: Victim['arrived'];
  /** The refusal that is in the history of the session. */
  readonly refusal: SessionEvent | undefined;
}

interface Aimed {
  readonly attempt: PageAttempt;
  readonly victim: Victim;
  readonly path: string;
}

async function aim({ victims, site }: Battlefield, attempt: PageAttempt): Promise<Aimed> {
  const victim = await victims.open();
  const place = `127.0.0.1:${victim.port}`;
  const where: Aim = { place, url: `http://${place}/` };
  return { attempt, victim, path: site.add({ attempt, aim: where }) };
}

async function openAll({ api, site }: Battlefield, session: Session, all: readonly Aimed[]): Promise<void> {
  const paths = all.filter(({ attempt }) => attempt.needsTab !== true).map(({ path }) => path);
  const navigated = await api.call('POST', `/api/sessions/${session.id}/navigate`, {
    url: `${site.origin}${site.addFrames(paths)}`,
    waitUntil: 'commit',
  });
  expectStatus(navigated, 200);
  using client = await connectCdp(session.cdpUrl ?? '');
  for (const { attempt, path } of all) {
    if (attempt.needsTab === true) await client.send('Target.createTarget', { url: `${site.origin}${path}` });
  }
  await settle(async () => {
    if (all.every(({ victim }) => victim.arrived.tcp > 0)) return true;
    const refusals = await listRefusals(api, session.id);
    return all.every(({ victim }) => victim.arrived.tcp > 0 || refusalOf(refusals, victim.port) !== undefined);
  }, PATIENCE_MS);
}

async function runInOneSession(
  field: Battlefield,
  attempts: readonly PageAttempt[],
): Promise<readonly (readonly [string, Outcome])[]> {
  const all: Aimed[] = [];
  for (const attempt of attempts) all.push(await aim(field, attempt));
  return withSession(
    field.api,
    { launchArgs: ['--disable-popup-blocking', '--autoplay-policy=no-user-gesture-required'] },
    async (session) => {
      await openAll(field, session, all);
      const refusals = await listRefusals(field.api, session.id);
      return all.map(({ attempt, victim }) => [
        attempt.title,
        { arrived: victim.arrived, refusal: refusalOf(refusals, victim.port) },
      ]);
    },
  );
}

/** Makes all attempts from pages in sessions of this service, two at once, and says what has become of each, by its title. */
export async function runPages(
  field: Battlefield,
  attempts: readonly PageAttempt[],
): Promise<ReadonlyMap<string, Outcome>> {
  const groups: PageAttempt[][] = [];
  for (let at = 0; at < attempts.length; at += FRAMES_PER_PAGE) groups.push(attempts.slice(at, at + FRAMES_PER_PAGE));
  const outcomes = await Promise.all(groups.map((group) => runInOneSession(field, group)));
  return new Map(outcomes.flat());
}
