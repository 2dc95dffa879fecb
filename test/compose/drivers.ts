/**
 * Drives one session several times, from outside, with a driver as it comes from npm, and prints what it has seen, as JSON. Each connection is
 * another one to the gateway.
 *
 *     node test/compose/drivers.ts puppeteer|playwright CDP_URL SITE_URL
 */
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';

const TIMES = 3;

interface Seen {
  readonly title: string;
  readonly result: unknown;
}

type Drive = (cdpUrl: string, address: string) => Promise<Seen>;

async function drivePuppeteer(cdpUrl: string, address: string): Promise<Seen> {
  const browser = await puppeteer.connect({ browserWSEndpoint: cdpUrl });
  try {
    const [page] = await browser.pages();
    if (page === undefined) throw new Error('The session has no page');
    await page.goto(address);
    return { title: await page.title(), result: await page.evaluate('6 * 7') };
  } finally {
    await browser.disconnect();
  }
}

async function drivePlaywright(cdpUrl: string, address: string): Promise<Seen> {
  const browser = await chromium.connectOverCDP(cdpUrl);
  try {
    const page = browser.contexts()[0]?.pages()[0];
    if (page === undefined) throw new Error('The session has no page');
    await page.goto(address);
    return { title: await page.title(), result: await page.evaluate('6 * 7') };
  } finally {
    await browser.close();
  }
}

const DRIVERS: Readonly<Record<string, Drive>> = { puppeteer: drivePuppeteer, playwright: drivePlaywright };

const [name = '', cdpUrl = '', address = ''] = process.argv.slice(2);
const drive = DRIVERS[name];
if (drive === undefined) throw new Error(`There is no driver ${name}`);
const seen: Seen[] = [];
for (let time = 0; time < TIMES; time += 1) seen.push(await drive(cdpUrl, address));
process.stdout.write(`${JSON.stringify(seen)}\n`);
