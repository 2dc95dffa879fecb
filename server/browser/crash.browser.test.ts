import { describe, expect, it } from 'vitest';

import { openPageServer } from '../testing/page-server.ts';
import { loseProxies, openTestHost, PLAIN_BROWSER } from '../testing/test-host.ts';
import { until } from '../testing/until.ts';
import { adoptBrowser, findOwnedBrowsers } from './adopt-browser.ts';
import type { Browser } from './browser.ts';
import { CdpConnection } from './cdp-connection.ts';
import { launchBrowser } from './launch-browser.ts';

/** Below the 30 s a command may wait for its answer, which is what these tests are about. */
const soon = (): AbortSignal => AbortSignal.timeout(20_000);
const AFTER = { url: 'data:text/html,<title>After</title>' };
const CRASHES = 5;

/** Somebody else who drives the browser. */
async function openClient(browser: Browser, stack: AsyncDisposableStack): Promise<CdpConnection> {
  return stack.use(await CdpConnection.open(browser.endpoint, soon()));
}

async function listRenderers({ browser }: CdpConnection): Promise<Set<number>> {
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo', undefined, soon());
  return new Set(processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id));
}

function kill(pids: Iterable<number>): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Its page was closed meanwhile.
    }
  }
}

/** Kills the renderers `listed` names, again and again, until the browser tells of a page that has crashed. */
async function crash({ browser }: CdpConnection, listed: () => Promise<Iterable<number>>): Promise<void> {
  let isCrashed = false;
  const stop = browser.on('Target.targetCrashed', () => (isCrashed = true));
  await browser.send('Target.setDiscoverTargets', { discover: true }, soon());
  await until(async () => {
    kill(await listed());
    return isCrashed;
  });
  stop();
}

/** Opens a tab and kills its renderer as soon as there is one. */
async function openAndCrash(client: CdpConnection): Promise<void> {
  const before = await listRenderers(client);
  const created = client.browser.send('Target.createTarget', { url: 'data:text/html,<title>Opened</title>' }, soon());
  await crash(client, async () => (await listRenderers(client)).difference(before));
  await created;
}

describe('a tab that crashes while it is being opened', () => {
  it.each([
    ['as it is', PLAIN_BROWSER],
    ['with what is set on every page', { ...PLAIN_BROWSER, locale: 'de-DE' }],
  ])('%s fails what is asked of it at once, and works again after a navigation', async (_, spec) => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const origin = await openPageServer(stack, (_request, response) => response.end('<title>After</title>'));
    await using browser = await launchBrowser(spec, host, soon());
    const client = await openClient(browser, stack);
    for (let count = 0; count < CRASHES; count += 1) {
      const old = await browser.page(soon());
      await openAndCrash(client);
      const page = await until(async () => {
        const newest = await browser.page(soon());
        return newest !== old && newest;
      });
      await expect(page.execute({ code: '1' }, soon())).rejects.toMatchObject({ code: 'PAGE_OPERATION_FAILED' });
      expect(await page.navigate({ url: origin }, soon())).toMatchObject({ title: 'After', status: 200 });
      const code = 'new Intl.NumberFormat().resolvedOptions().locale';
      expect(await page.execute({ code }, soon())).toMatchObject({ result: spec.locale ?? 'en-US' });
    }
  });
});

describe('a tab that had crashed before its browser was taken over', () => {
  it('fails what is asked of it at once, and works again after a navigation', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    await using first = await launchBrowser(PLAIN_BROWSER, host, soon());
    await first.noteOwner('somebody');
    const client = await openClient(first, stack);
    await crash(client, () => listRenderers(client));
    const [owned] = await findOwnedBrowsers(host.foldersRoot);
    if (owned === undefined) throw new Error('The browser was not found');
    await loseProxies();
    await using second = await adoptBrowser(owned, host, soon());
    const page = await second.page(soon());
    await expect(page.execute({ code: '1' }, soon())).rejects.toMatchObject({ code: 'PAGE_OPERATION_FAILED' });
    expect(await page.navigate(AFTER, soon())).toMatchObject({ title: 'After' });
  });
});
