import type { ProbeResult } from './probe-run.ts';
import type { DetectorReport, ProbeSite } from './probe-site.ts';
import { openUnmanaged } from './unmanaged-browser.ts';

/** What the realms say of a Chromium without any disguise that nobody drives, on this machine; see `openUnmanaged`. */
export async function probeUnmanaged(site: ProbeSite, headless: boolean): Promise<ProbeResult> {
  const visit = site.openVisit();
  await using browser = new AsyncDisposableStack();
  await openUnmanaged(browser, visit.unattendedUrl, headless);
  return await visit.probed();
}

/** What the detectors find in such a one. It is another browser than the probe's, as nobody can send that on. */
export async function detectUnmanaged(site: ProbeSite, headless: boolean): Promise<DetectorReport> {
  const visit = site.openVisit();
  await using browser = new AsyncDisposableStack();
  await openUnmanaged(browser, visit.detectorsUrl, headless);
  return await visit.detected();
}
