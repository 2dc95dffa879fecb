import { execFile } from 'node:child_process';
import { URL } from 'node:url';
import { promisify } from 'node:util';

import { ROOT } from '../setup/paths.mjs';
import { createSession, send } from './gateway-client.mjs';

const TIMEOUT_MS = 60_000;
const DRIVERS = [
  { name: 'puppeteer', headless: true },
  { name: 'playwright', headless: false },
];

async function drive(name, cdpUrl, address) {
  const args = ['test/compose/drivers.ts', name, cdpUrl, address];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: TIMEOUT_MS });
  return JSON.parse(stdout);
}

/** Drivers as they come from npm, on sessions without and with a window, through the gateway and whichever node it takes. */
export async function checkDrivers(stack, checks) {
  for (const { name, headless } of DRIVERS) {
    const { id, cdpUrl } = await createSession(stack, { headless });
    const isOurs = cdpUrl.startsWith(stack.url.replace('http', 'ws'));
    checks.check('the address for CDP is one of the gateway', isOurs, isOurs ? '' : new URL(cdpUrl).host);
    const seen = await drive(name, cdpUrl, stack.siteUrl);
    checks.check(
      `${name} drives a session ${headless ? 'without' : 'with'} a window, by way of any node`,
      seen.length > 0 && seen.every(({ title, result }) => title === 'Example Domain' && result === 42),
      JSON.stringify(seen),
    );
    const ended = await send(stack, `DELETE /api/sessions/${id}`);
    checks.check('and it ends', ended.status === 200, `${ended.status}`);
  }
}
