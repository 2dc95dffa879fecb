import { isTimeout } from '../lib/deadline.ts';
import type { CdpSession } from './cdp-connection.ts';

/** The page answers this at once unless a script keeps its thread busy. */
const PROBE_MS = 250;

/**
 * Ends what a page is at: its load, and whatever script keeps it busy. Never rejects.
 *
 * `Runtime.terminateExecution` of an idle page would hit the page's own next script, so it is asked first.
 */
export async function stopPage(session: CdpSession): Promise<void> {
  // A page that is gone has stopped.
  session.send('Page.stopLoading').catch(() => undefined);
  try {
    await session.send('Runtime.evaluate', { expression: '0' }, AbortSignal.timeout(PROBE_MS));
  } catch (error) {
    if (!isTimeout(error)) return;
    // A page that has crashed answers nothing any more.
    await session.send('Runtime.terminateExecution', undefined, AbortSignal.timeout(PROBE_MS)).catch(() => undefined);
  }
}
