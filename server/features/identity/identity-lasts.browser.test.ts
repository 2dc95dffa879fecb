import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { adoptBrowser, findOwnedBrowsers, relaunchBrowser } from '../../browser/index.ts';
import { CdpConnection } from '../../browser/cdp-connection.ts';
import { raceAbort } from '../../lib/deadline.ts';
import { testFingerprint } from '../../testing/fingerprints.ts';
import { openRealmSite } from '../../testing/realm-site.ts';
import { openTestHost } from '../../testing/test-host.ts';
import { until } from '../../testing/until.ts';
import { askPage, expectOneIdentity, wearIdentity } from '../../testing/worn-identity.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);
const CHILD = path.join(import.meta.dirname, '../../testing/owned-browser-child.ts');

/** What is set by a command, and what by a script, in a page that was there before. */
const SEEN = `[navigator.platform, Intl.DateTimeFormat().resolvedOptions().locale, speechSynthesis.getVoices().length,
  String(WebGLRenderingContext.prototype.getParameter), String(Function.prototype.toString)]`;

describe('an identity', () => {
  it('is kept when another service takes its browser over, by the pages that are open and by those that come', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const site = await openRealmSite(stack);
    const fingerprint = testFingerprint('windows', host.version);
    const service = spawn(process.execPath, [CHILD, host.foldersRoot, `${site.origin}/popup`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await Promise.race([once(service.stdout, 'data'), once(service, 'exit')]);
    service.kill('SIGKILL');
    if (service.exitCode === null && service.signalCode === null) await once(service, 'exit');

    const [owned] = await findOwnedBrowsers(host.foldersRoot);
    if (owned === undefined) throw new Error('The killed service left no browser');
    const browser = stack.use(await adoptBrowser(owned, host, soon()));
    const page = await browser.page(soon());
    expect(await askPage(page, SEEN)).toEqual([
      'Win32',
      'de-DE',
      fingerprint.voices.length,
      'function getParameter() { [native code] }',
      'function toString() { [native code] }',
    ]);
    await expectOneIdentity({ site, page }, fingerprint);
  });

  it('is kept by a window whose opener, with which it shares a process, is closed', async () => {
    await using stack = new AsyncDisposableStack();
    const worn = await wearIdentity(stack, { choose: (version) => testFingerprint('windows', version) });
    const { browser, page, site, fingerprint } = worn;
    await page.navigate({ url: `${site.origin}/popup` }, soon());
    await askPage(page, "void window.open('/popup')");
    await until(() => browser.pageCount === 2);
    // Closed any sooner, what the window asks for first may be without identity (docs/identity-applied.md).
    await until(() => site.requests.filter(({ path }) => path === '/report').length >= 2);
    const opened = await browser.page(soon());
    await page.session.send('Page.close');
    await until(() => browser.pageCount === 1);
    const locale = 'Intl.DateTimeFormat().resolvedOptions().locale';
    await until(async () => (await askPage(opened, locale)) === fingerprint.locale);
    await expectOneIdentity({ site, page: opened }, fingerprint);
    // By now workers have come and gone.
    await opened.navigate({ url: `${site.origin}/popup` }, soon());
    expect(await askPage(opened, locale)).toBe(fingerprint.locale);
  });

  it('is kept by a frame of another site whose process has crashed', async () => {
    await using stack = new AsyncDisposableStack();
    const { browser, page, site } = await wearIdentity(stack, {
      choose: (version) => testFingerprint('macos', version),
    });
    await page.navigate({ url: site.origin }, soon());
    const before = await until(() => site.reports.get('cross-site-frame'));
    const client = stack.use(await CdpConnection.open(browser.endpoint, soon()));
    const { targetInfos } = await client.browser.send('Target.getTargets', {}, soon());
    const targetId =
      targetInfos.find(({ type, url }) => type === 'iframe' && url.includes('cross-site'))?.targetId ?? '';
    const { sessionId } = await client.browser.send('Target.attachToTarget', { targetId, flatten: true }, soon());
    const crashed = Promise.withResolvers<void>();
    client.session(sessionId).on('Inspector.targetCrashed', () => crashed.resolve());
    client
      .session(sessionId)
      .send('Page.crash')
      .catch(() => undefined);
    await raceAbort(crashed.promise, soon());
    site.clear();
    await askPage(page, "document.querySelector('[src*=cross-site]').src += '?again'");
    const after = await until(() => site.reports.get('cross-site-frame'));
    expect(after.values).toEqual(before.values);
  });

  it('is kept when its browser is restarted', async () => {
    await using stack = new AsyncDisposableStack();
    const choose = (version: string) => ({ ...testFingerprint('macos', version), doNotTrack: true });
    const { browser, host, site, fingerprint } = await wearIdentity(stack, { choose });
    const successor = stack.use(await relaunchBrowser(browser, host, soon()));
    const page = await successor.page(soon());
    await expectOneIdentity({ site, page }, fingerprint);
    expect(await askPage(page, 'navigator.doNotTrack')).toBe('1');
  });
});
