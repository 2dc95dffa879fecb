import { chromium, type Page } from 'playwright-core';

import { EVALUATED, INIT_SCRIPT, type PageElement, type ScriptOutcome } from './driver-script.ts';
import type { Visit } from './probe-site.ts';
import { until } from '../acceptance/until.ts';

async function runScript(page: Page, formUrl: string): Promise<ScriptOutcome> {
  await page.addInitScript(INIT_SCRIPT);
  await page.exposeFunction('double', (value: number) => value * 2);
  await page.goto(formUrl);
  const button = await page.$('#greet');
  await page.locator('#name').pressSequentially('Ada', { delay: 5 });
  await page.click('#greet');
  await page.waitForSelector('#greeting', { state: 'visible' });
  const waited = await page.waitForFunction("document.querySelector('#greeting') !== null");
  const frames = page.frames().filter((frame) => frame !== page.mainFrame());
  const [worker] = await until('the worker is there', () => (page.workers().length > 0 ? page.workers() : undefined));
  return {
    title: await page.title(),
    evaluated: await page.evaluate(EVALUATED),
    greeting: (await page.textContent('#greeting')) ?? '',
    initialised: await page.evaluate("document.documentElement.getAttribute('data-init')"),
    exposed: await page.evaluate('double(21)'),
    frames: await Promise.all(frames.map(async (frame) => (await frame.textContent('#text')) ?? '')),
    handle: (await button?.evaluate((element: PageElement) => element.tagName)) ?? '',
    waited: (await waited.jsonValue()) as boolean,
    worker: await worker?.evaluate('secret'),
  };
}

/** Drives a session with unmodified Playwright: a script, the detectors, and the probe in a new page. */
export async function drivePlaywright(cdpUrl: string, visit: Visit): Promise<ScriptOutcome> {
  const browser = await chromium.connectOverCDP(cdpUrl);
  try {
    const [context] = browser.contexts();
    const [first] = context?.pages() ?? [];
    if (context === undefined || first === undefined) throw new Error('The session has no page');
    const outcome = await runScript(first, visit.formUrl);
    await first.goto(visit.detectorsUrl);
    await visit.detected();
    const page = await context.newPage();
    await page.goto(visit.startUrl);
    await page.goto(visit.probeUrl);
    await visit.ready();
    for (let clicks = 0; clicks < 2; clicks += 1) {
      await page.bringToFront();
      await page.mouse.click(60, 40);
    }
    await page.bringToFront();
    await visit.probed();
    return outcome;
  } finally {
    await browser.close();
  }
}
