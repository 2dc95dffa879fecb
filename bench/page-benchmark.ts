import type { BenchmarkDeps } from './benchmark.ts';
import { CdpClient } from './cdp-client.ts';
import { type Contender, interleave } from './interleave.ts';
import type { Section } from './report.ts';
import { openSampleSite, type SampleSite } from './sample-site.ts';
import type { OpenSession, ServiceClient } from './service-client.ts';
import { findSessionBrowser } from './session-browser.ts';
import { timed } from './stopwatch.ts';

const PLAN = { rounds: 40, warmUpRounds: 3, budgetMs: 40_000 };
const RATIO_GOAL = 1.1;
const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

type Side = 'rest' | 'direct';
type Step = 'navigate' | 'screenshot' | 'both';
type Series = `${Side} ${Step}`;

const STEP_LABELS: Readonly<Record<Step, string>> = {
  navigate: 'navigate, to load',
  screenshot: 'screenshot, PNG in hand',
  both: 'both',
};

function checkPicture(picture: Buffer): void {
  if (!picture.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE)) throw new Error('That is no PNG');
}

function overRest(
  client: ServiceClient,
  session: OpenSession,
  site: SampleSite,
): (signal: AbortSignal) => Contender<Series> {
  return (signal) => async (samples, round) => {
    const navigateMs = await client.navigate(session.id, site.pageUrl(`rest-${round}`), signal);
    const screenshot = await client.takeScreenshot(session.id, signal);
    checkPicture(screenshot.value);
    samples.add('rest navigate', navigateMs);
    samples.add('rest screenshot', screenshot.durationMs);
    samples.add('rest both', navigateMs + screenshot.durationMs);
  };
}

/** The same two over CDP, until the same is in hand: a loaded page, the bytes of a PNG. */
function overCdp(client: CdpClient, cdpSessionId: string, site: SampleSite): Contender<Series> {
  const takeScreenshot = async (): Promise<Buffer> => {
    const { data } = (await client.send('Page.captureScreenshot', { format: 'png' }, cdpSessionId)).value;
    return Buffer.from(data, 'base64');
  };
  return async (samples, round) => {
    const navigated = await timed(() => client.loadPage(site.pageUrl(`direct-${round}`), cdpSessionId));
    const screenshot = await timed(takeScreenshot);
    checkPicture(screenshot.value);
    samples.add('direct navigate', navigated.durationMs);
    samples.add('direct screenshot', screenshot.durationMs);
    samples.add('direct both', navigated.durationMs + screenshot.durationMs);
  };
}

/** Navigate and screenshot over REST, beside the same over a CDP connection to the same browser and page. */
export async function measurePage({ service }: BenchmarkDeps, signal: AbortSignal): Promise<Section> {
  await using site = await openSampleSite();
  await using session = await service.client.openSession({}, signal);
  const { endpoint } = await findSessionBrowser(session.cdpUrl, signal);
  using direct = await CdpClient.open(endpoint, signal);
  const { cdpSessionId } = await direct.attachToPage();
  await direct.send('Page.enable', undefined, cdpSessionId);
  await service.client.waitForCalm(signal);

  const contenders = [overRest(service.client, session, site)(signal), overCdp(direct, cdpSessionId, site)];
  const samples = await interleave(contenders, PLAN, signal);
  const floorRow = (step: Step) =>
    ({ what: `floor: ${STEP_LABELS[step]} over CDP`, unit: 'ms', samples: samples.get(`direct ${step}`) }) as const;
  const restRow = (step: Step) =>
    ({
      what: `${STEP_LABELS[step]} over REST`,
      unit: 'ms',
      samples: samples.get(`rest ${step}`),
      floor: samples.get(`direct ${step}`),
    }) as const;
  return {
    title: 'Navigate and screenshot',
    measurements: [
      floorRow('navigate'),
      restRow('navigate'),
      floorRow('screenshot'),
      restRow('screenshot'),
      floorRow('both'),
      { ...restRow('both'), goal: { of: 'ratio', atMost: RATIO_GOAL } },
    ],
    notes: ['A small page with a style sheet and a picture, from loopback; PNG of 1280 x 720.'],
  };
}
