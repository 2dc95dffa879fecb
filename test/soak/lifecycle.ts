import type { CreateSession } from '@guise/contract';

import { connectCdp } from '../acceptance/cdp-client.ts';
import { rendererPids } from '../faults/browser-signal.ts';
import { vanishByReset, vanishWithoutReading } from '../faults/vanishing-client.ts';
import type { Fault } from './faults.ts';
import type { SeededRandom } from './seeded-random.ts';
import { SessionOverError } from './session-over.ts';
import type { Subject } from './subject.ts';

const LONGEST_USE = 4;

/** What sessions are asked to be beside what their end needs: most of them what the warm pool has. */
function drawOptions(random: SeededRandom): CreateSession {
  return {
    ...(random.chance(0.06) ? { headless: false } : {}),
    ...(random.chance(0.1) ? { locale: random.pick(['de-DE', 'ja-JP']), timezone: 'Asia/Tokyo' } : {}),
    ...(random.chance(0.2) ? { viewport: { width: 800, height: 600 } } : {}),
    ...(random.chance(0.05) ? { stealthLevel: 'none' } : {}),
    ...(random.chance(0.05) ? { userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Soak/1.0' } : {}),
  };
}

/** What clients do with a session; each may find that it is over. */
const USES: readonly { readonly weight: number; readonly run: (subject: Subject) => Promise<unknown> }[] = [
  { weight: 5, run: (subject) => subject.navigate(`${subject.origin}/`) },
  { weight: 5, run: (subject) => subject.evaluate('document.title') },
  { weight: 2, run: (subject) => subject.ask('POST', '/screenshot', {}) },
  { weight: 1, run: (subject) => subject.ask('GET', '/content') },
  { weight: 1, run: (subject) => subject.ask('GET', '/cookies') },
  { weight: 2, run: (subject) => subject.ask('POST', '/keepalive') },
  { weight: 2, run: (subject) => subject.read() },
  { weight: 4, run: talk },
  { weight: 2, run: (subject) => subject.overCdp(vanishByReset) },
  { weight: 1, run: (subject) => subject.overCdp((url) => vanishWithoutReading(url, 200)) },
  { weight: 1, run: loseRenderers },
];

async function talk(subject: Subject): Promise<void> {
  await subject.overCdp(async (url) => {
    using client = await connectCdp(url);
    await client.send('Target.getTargets');
    await client.send('Target.createTarget', { url: `${subject.origin}/` });
    await client.send('Browser.getVersion');
  });
}

async function loseRenderers(subject: Subject): Promise<void> {
  for (const pid of await subject.overCdp(rendererPids)) subject.signal(pid, 'SIGKILL');
  await subject.navigate(`${subject.origin}/`);
}

/** Lives the life of one session up to its end; its history tells whether it was right. @throws what should not have happened */
export async function live(subject: Subject, fault: Fault): Promise<void> {
  const { record, random } = subject;
  try {
    if (fault.begin === undefined) await subject.create({ ...drawOptions(random), ...fault.options });
    else if (!(await fault.begin(subject))) return;
    record.phase = fault.begin === undefined ? 'using' : 'ending';
    const uses = fault.begin === undefined ? Math.floor(random.next() * LONGEST_USE) : 0;
    for (let count = 0; count < uses; count += 1) await random.pickWeighted(USES).run(subject);
    record.phase = 'ending';
    await fault.end(subject);
  } catch (error) {
    // Over earlier than it was meant to: at a limit, or with its node. Its history says which.
    if (!(error instanceof SessionOverError)) throw error;
  }
  record.phase = 'ending';
  await subject.closed();
}
