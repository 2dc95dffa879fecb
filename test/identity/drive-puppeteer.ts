import { connect, type Page } from 'puppeteer-core';

import { EVALUATED, INIT_SCRIPT, type PageElement, type ScriptOutcome } from './driver-script.ts';
import type { Visit } from './probe-site.ts';
import { until } from '../acceptance/until.ts';

async function runScript(page: Page, formUrl: string): Promise<ScriptOutcome> {
  await page.evaluateOnNewDocument(INIT_SCRIPT);
  await page.exposeFunction('double', (value: number) => value * 2);
  await page.goto(formUrl);
  const button = await page.$('#greet');
  await page.type('#name', 'Ada', { delay: 5 });
  await page.click('#greet');
  await page.waitForSelector('#greeting', { visible: true });
  const waited = await page.waitForFunction("document.querySelector('#greeting') !== null");
  const frames = page.frames().filter((frame) => frame !== page.mainFrame());
  const [worker] = await until('the worker is there', () => (page.workers().length > 0 ? page.workers() : undefined));
  return {
    title: await page.title(),
    evaluated: await page.evaluate(EVALUATED),
    greeting: await page.$eval('#greeting', (element: PageElement) => element.textContent),
    initialised: (await page.evaluate("document.documentElement.getAttribute('data-init')")) as string,
    exposed: await page.evaluate('double(21)'),
    frames: await Promise.all(
      frames.map((frame) => frame.$eval('#text', (element: PageElement) => element.textContent)),
    ),
    handle: (await button?.evaluate((element: PageElement) => element.tagName)) ?? '',
    waited: (await waited.jsonValue()) as boolean,
    worker: await worker?.evaluate('secret'),
  };
}

/** Drives a session with unmodified Puppeteer: a script, the detectors, and the probe in a new page. */
export async function drivePuppeteer(cdpUrl: string, visit: Visit): Promise<ScriptOutcome> {
  const browser = await connect({ browserWSEndpoint: cdpUrl, defaultViewport: null });
  try {
    const [first] = await browser.pages();
    if (first === undefined) throw new Error('The session has no page');
    const outcome = await runScript(first, visit.formUrl);
    await first.goto(visit.detectorsUrl);
    await visit.detected();
    const page = await browser.newPage();
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
    await browser.disconnect();
  }
}
