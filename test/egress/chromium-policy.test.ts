import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type CdpClient, connectCdp } from '../acceptance/cdp-client.ts';
import { isRunning, listProcessesOf } from '../acceptance/processes.ts';
import { until } from '../acceptance/until.ts';
import { type AttackSite, startAttackSite } from './attack-site.ts';
import { findTraceable } from './traced-chromium.ts';

const POLICY = path.resolve(import.meta.dirname, '../../cloud/config/chromium-policy.json');
/** In a name space of its own the browser, and nobody else, has the policy. */
const INSTALL = `mount -t tmpfs none /etc/chromium && mkdir -p /etc/chromium/policies/managed`;

const canMount = spawnSync('unshare', ['-m', 'sh', '-c', INSTALL]).status === 0;
const found = findTraceable();
const isPossible = canMount && 'chromium' in found;
if (!isPossible) {
  // eslint-disable-next-line no-console -- a proof that was not made is told, and why
  console.info(
    'The policy is not tried: no /etc/chromium can be mounted for one browser (needs root), or there is no Chromium',
  );
}

const stack = new AsyncDisposableStack();
let site: AttackSite;
const browsers = new Map<string, CdpClient>();

async function openBrowser(isManaged: boolean): Promise<CdpClient> {
  const folder = await mkdtemp(path.join(tmpdir(), 'guise-policy-'));
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  const chromium = 'chromium' in found ? found.chromium : '';
  const copy = isManaged ? ` && cp ${POLICY} /etc/chromium/policies/managed/` : '';
  const flags = `--headless=new --no-sandbox --test-type --no-first-run --remote-debugging-port=0 --user-data-dir=${folder} about:blank`;
  const child = spawn('unshare', ['-m', 'sh', '-c', `${INSTALL}${copy} && exec ${chromium} ${flags}`], {
    detached: true,
    stdio: 'ignore',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: folder },
  });
  stack.defer(async () => {
    const all = listProcessesOf(folder);
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    await until('the browser is gone', () => !all.some(isRunning));
  });
  const [port, endpoint] = await until('it can be driven', async () => {
    const lines = (await readFile(path.join(folder, 'DevToolsActivePort'), 'utf8')).split('\n');
    return lines.length > 1 ? lines : undefined;
  });
  return stack.use(await connectCdp(`ws://127.0.0.1:${port ?? ''}${endpoint ?? ''}`));
}

/** What becomes of a navigation: Chromium's error, or the title of what is shown. */
async function visit(browser: string, url: string): Promise<string> {
  const client = browsers.get(browser);
  if (client === undefined) throw new Error(`There is no ${browser} browser`);
  const { targetId } = await client.send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await client.send('Target.attachToTarget', { targetId, flatten: true });
  const { errorText } = await client.send('Page.navigate', { url }, sessionId as string);
  await client.send('Target.closeTarget', { targetId });
  return typeof errorText === 'string' ? errorText : 'shown';
}

beforeAll(async () => {
  if (!isPossible) return;
  site = await startAttackSite(stack);
  browsers.set('managed', await openBrowser(true));
  browsers.set('free', await openBrowser(false));
});
afterAll(() => stack.disposeAsync());

describe.skipIf(!isPossible)('Chromium with the policy of the image', () => {
  it.each([
    'file:///etc/hostname',
    'file://localhost/etc/hostname',
    'view-source:file:///etc/hostname',
    'chrome://version/',
    'chrome://net-export/',
    'chrome://settings/',
    'chrome://inspect/',
    'view-source:chrome://version/',
  ])('does not open %s, which it would open without', async (url) => {
    expect(await visit('managed', url)).toBe('net::ERR_BLOCKED_BY_ADMINISTRATOR');
    expect(await visit('free', url)).toBe('shown');
  });

  it.each(['about:blank', 'data:text/html,<title>x</title>'])('opens %s', async (url) => {
    expect(await visit('managed', url)).toBe('shown');
  });

  it('opens pages, and their source', async () => {
    expect(await visit('managed', site.origin)).toBe('shown');
    expect(await visit('managed', `view-source:${site.origin}`)).toBe('shown');
  });
});
