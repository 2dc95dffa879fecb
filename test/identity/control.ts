import type { ProbeResult } from './probe-run.ts';
import type { DetectorReport, ProbeSite } from './probe-site.ts';
import { openUnmanaged } from './unmanaged-browser.ts';

/** What a browser without any disguise, and without anybody who drives it, shows on this machine. */
export interface Control {
  readonly probe: ProbeResult;
  readonly detectors: DetectorReport;
}

/** Looks at a Chromium that nobody drives; see `openUnmanaged`. One browser for each address, as nobody can send it on. */
export async function lookAtUnmanaged(site: ProbeSite, headless: boolean): Promise<Control> {
  const [probed, detected] = [site.openVisit(), site.openVisit()];
  await using browsers = new AsyncDisposableStack();
  await openUnmanaged(browsers, probed.unattendedUrl, headless);
  const probe = await probed.probed();
  await openUnmanaged(browsers, detected.detectorsUrl, headless);
  return { probe, detectors: await detected.detected() };
}
