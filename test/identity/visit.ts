import type { CreateSession, Fingerprint, Session } from '@guise/contract';

import type { Api } from '../acceptance/api.ts';
import { type CdpClient, connectCdp } from '../acceptance/cdp-client.ts';
import { until } from '../acceptance/until.ts';
import type { ProbeResult } from './probe-run.ts';
import type { DetectorReport, ProbeSite, Visit } from './probe-site.ts';

/** What one session has shown of itself. */
export interface Seen {
  /** What the session says that it wears; undefined at levels without a fingerprint. */
  readonly fingerprint: Fingerprint | undefined;
  readonly probe: ProbeResult;
  readonly detectors: DetectorReport;
}

/** The fingerprint a session wears, as it says itself. */
export function fingerprintOf(session: Session): Fingerprint | undefined {
  return (session.identity as { readonly fingerprint?: Fingerprint } | null)?.fingerprint;
}

interface TargetInfo {
  readonly targetId: string;
  readonly type: string;
  readonly url: string;
}

/** Attaches to the page that shows the probe. */
async function attachToPage(client: CdpClient, visit: Visit): Promise<string> {
  const target = await until('the page of the probe is there', async () => {
    const { targetInfos } = await client.send('Target.getTargets');
    return (targetInfos as readonly TargetInfo[]).find(({ type, url }) => type === 'page' && url === visit.probeUrl);
  });
  const { sessionId } = await client.send('Target.attachToTarget', { targetId: target.targetId, flatten: true });
  return sessionId as string;
}

/** Clicks into the page as a hand would: the mouse comes, presses, and lets go. */
async function click(client: CdpClient, sessionId: string): Promise<void> {
  const at = { x: 60, y: 40 };
  const send = (type: string, more = {}): Promise<unknown> =>
    client.send('Input.dispatchMouseEvent', { ...at, type, ...more }, sessionId);
  await send('mouseMoved');
  const button = { button: 'left', clickCount: 1 };
  await send('mousePressed', { ...button, buttons: 1 });
  await send('mouseReleased', button);
}

/** A click lets a page open one window, and the probe has two to open. */
const POPUPS = 2;

/** Clicks the probe's page, so that it opens its popups, and waits for what all its realms say. */
export async function clickProbe(session: Session, visit: Visit): Promise<ProbeResult> {
  using client = await connectCdp(session.cdpUrl ?? '');
  const page = await attachToPage(client, visit);
  await visit.ready();
  for (let clicks = 0; clicks < POPUPS; clicks += 1) {
    await client.send('Page.bringToFront', {}, page);
    await click(client, page);
  }
  await client.send('Page.bringToFront', {}, page);
  return await visit.probed();
}

/** Sends a session to the detectors and to the probe, over REST and with a click over CDP. */
async function lookAt(api: Api, session: Session, site: ProbeSite): Promise<Seen> {
  const visit = site.openVisit();
  await api.navigate(session.id, visit.startUrl);
  await api.navigate(session.id, visit.detectorsUrl);
  const detectors = await visit.detected();
  await api.navigate(session.id, visit.probeUrl);
  return { fingerprint: fingerprintOf(session), probe: await clickProbe(session, visit), detectors };
}

/**
 * Creates a session, has `work` look at it, and ends it.
 *
 * It has no limit of memory: the probe's realms take more than a session usually may, and one that is recycled for that leaves
 * realms silent, the last first. @throws when it did not last until `work` was done, whatever that has seen
 */
export async function withSession<Outcome>(
  api: Api,
  options: CreateSession,
  work: (session: Session) => Promise<Outcome>,
): Promise<Outcome> {
  const session = await api.create({ ...options, memoryLimitMb: null });
  try {
    const [outcome] = await Promise.allSettled([work(session)]);
    const { state, closeReason } = await api.get(session.id);
    if (state === 'CLOSING' || state === 'CLOSED') throw new Error(`The session was ended: ${closeReason ?? state}`);
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  } finally {
    await api.end(session.id);
  }
}

/** Creates a session, looks at it, and ends it. */
export async function lookAtNew(api: Api, options: CreateSession, site: ProbeSite): Promise<Seen> {
  return withSession(api, options, (session) => lookAt(api, session, site));
}
