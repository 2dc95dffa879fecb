import type { CreateSession, Session } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { connectCdp } from '../acceptance/cdp-client.ts';
import { type Service, startService } from '../acceptance/service.ts';
import { findIncoherence } from './analysis/coherence.ts';
import { compareHeaderOrder, compareHeaders, listUnseenRequests } from './analysis/compare-headers.ts';
import { compareRealms, listTampering, listTraces } from './analysis/compare-realms.ts';
import { detectUnmanaged, probeUnmanaged } from './control.ts';
import { describeFindings } from './findings.ts';
import type { ProbeResult } from './probe-run.ts';
import { type DetectorReport, type ProbeSite, startProbeSite } from './probe-site.ts';
import { clickProbe, lookAtNew, type Seen } from './visit.ts';

const stack = new AsyncDisposableStack();
let site: ProbeSite;
let service: Service;

beforeAll(async () => {
  site = await startProbeSite(stack);
  service = await startService(stack, { WARM_POOL_SIZE: '0' });
});
afterAll(() => stack.disposeAsync());

describe.each([
  { mode: 'headless', headless: true },
  { mode: 'with a window', headless: false },
])('a Chromium that nobody drives, $mode', ({ headless }) => {
  let probe: ProbeResult;
  let detectors: DetectorReport;
  beforeAll(async () => {
    [probe, detectors] = await Promise.all([probeUnmanaged(site, headless), detectUnmanaged(site, headless)]);
    // eslint-disable-next-line no-console -- what is noise on this machine helps whoever reads a failure
    console.info(
      `Found in it by fpscanner: ${JSON.stringify(detectors.fpscanner)}, by BotD: ${JSON.stringify(detectors.botd)}`,
    );
  });

  it('answers from every realm', () =>
    expect({ silent: probe.silent, absent: [...probe.absent] }).toEqual({ silent: [], absent: [] }));
  it('says the same in every realm', () => expect(describeFindings(compareRealms(probe))).toEqual([]));
  it('sends what its scripts say', () => expect(describeFindings(compareHeaders(probe))).toEqual([]));
  it('makes requests of every kind', () => expect(describeFindings(listUnseenRequests(probe))).toEqual([]));
  it('has every native in its place', () => expect(describeFindings(listTampering(probe))).toEqual([]));
  it('shows no debugger', () => expect(describeFindings(listTraces(probe))).toEqual([]));
  it('lets the detectors run', () => expect(JSON.stringify(detectors)).not.toContain('"error"'));
});

/** A session whose client puts this script into every page, and enables what a driver enables. */
async function lookAtDriven(options: CreateSession, script: string, commands: readonly string[]): Promise<ProbeResult> {
  const session: Session = await service.api.create(options);
  try {
    const visit = site.openVisit();
    using client = await connectCdp(session.cdpUrl ?? '');
    const { targetInfos } = await client.send('Target.getTargets');
    const page = (targetInfos as { type: string; targetId: string }[]).find(({ type }) => type === 'page');
    const { sessionId } = await client.send('Target.attachToTarget', { targetId: page?.targetId, flatten: true });
    await client.send('Page.enable', {}, sessionId as string);
    for (const command of commands) await client.send(command, {}, sessionId as string);
    await client.send('Page.addScriptToEvaluateOnNewDocument', { source: script }, sessionId as string);
    await client.send('Page.navigate', { url: visit.startUrl }, sessionId as string);
    await visit.started();
    await client.send('Page.navigate', { url: visit.probeUrl }, sessionId as string);
    return await clickProbe(session, visit);
  } finally {
    await service.api.end(session.id);
  }
}

describe('the probe finds guilty', () => {
  describe('an automated browser without a disguise', () => {
    let seen: Seen;
    beforeAll(async () => {
      seen = await lookAtNew(service.api, { stealthLevel: 'none' }, site);
    });

    it('by its coherence', () => {
      const fields = findIncoherence(seen.probe).map(({ field }) => field);
      expect(fields).toEqual(expect.arrayContaining(['webdriver', 'userAgent', 'gl', 'pointer', 'hover']));
    });
    it('by BotD', () => expect(seen.detectors.botd).toMatchObject({ bot: true }));
    it('by fpscanner', () => {
      expect(JSON.stringify(seen.detectors.fpscanner)).toContain('hasWebdriver');
    });
    it('and nothing else: its realms and headers agree', () => {
      expect(describeFindings([...compareRealms(seen.probe), ...compareHeaders(seen.probe)])).toEqual([]);
    });
  });

  describe('a page script that says another platform', () => {
    let probe: ProbeResult;
    beforeAll(async () => {
      const script = "Object.defineProperty(navigator, 'platform', { get: () => 'Win32' })";
      probe = await lookAtDriven({ stealthLevel: 'none' }, script, []);
    });

    it('in every worker and every frame of another site', () => {
      const realms = compareRealms(probe)
        .filter(({ field }) => field === 'platform')
        .map(({ realm }) => realm);
      expect(realms).toEqual(expect.arrayContaining(['worker', 'nested worker', 'service worker', 'shared worker']));
      expect(realms).toEqual(expect.arrayContaining(['cross-site frame', 'worker of a cross-site frame']));
    });
    it('by a key that navigator has not', () => {
      expect(describeFindings(listTampering(probe)).join('\n')).toContain('navigator has keys of its own: platform');
    });
    it('by the system it then seems to have', () => {
      expect(findIncoherence(probe)).toContainEqual(expect.objectContaining({ field: 'platform' }));
    });
  });

  describe('a page script that replaces a getter, and its text', () => {
    let probe: ProbeResult;
    beforeAll(async () => {
      const script = `
        const { get } = Object.getOwnPropertyDescriptor(Navigator.prototype, 'platform');
        const fake = new Proxy(get, { apply: () => 'Win32' });
        Object.defineProperty(Navigator.prototype, 'platform', { get: fake, enumerable: true, configurable: true });
        Object.defineProperty(WebGLRenderingContext.prototype, 'getParameter', { value: function getParameter() {} });`;
      probe = await lookAtDriven({ stealthLevel: 'none' }, script, []);
    });

    it('by what a proxy answers to the wrong receiver', () => {
      expect(describeFindings(listTampering(probe)).join('\n')).toMatch(
        /get Navigator.prototype.platform: a wrong receiver/,
      );
    });
    it('by the text of a function', () => {
      expect(describeFindings(listTampering(probe)).join('\n')).toMatch(
        /WebGLRenderingContext.prototype.getParameter: its text/,
      );
    });
  });

  describe('a client that listens to what is logged', () => {
    let probe: ProbeResult;
    beforeAll(async () => {
      probe = await lookAtDriven({ stealthLevel: 'none' }, '0', ['Runtime.enable']);
    });

    it('in the page and its frames', () => {
      const realms = new Set(listTraces(probe).map(({ realm }) => realm));
      expect([...realms]).toEqual(expect.arrayContaining(['main', 'same-origin frame', 'srcdoc frame']));
    });
  });

  describe('a client that sets a user agent for its page only', () => {
    let probe: ProbeResult;
    beforeAll(async () => {
      probe = await lookAtDriven(
        { stealthLevel: 'none', userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/1.0.0.0' },
        '0',
        [],
      );
    });

    it('by what the rest of it says', () => {
      const fields = findIncoherence(probe).map(({ field }) => field);
      expect(fields).toEqual(expect.arrayContaining(['platform', 'brands']));
    });
    it('by an order of headers that no browser has', () => {
      const requests = probe.requests.map((each) => ({ ...each, headerNames: each.headerNames.toReversed() }));
      expect(compareHeaderOrder({ ...probe, requests }, probe)).not.toEqual([]);
      expect(compareHeaderOrder(probe, probe)).toEqual([]);
    });
  });
});
