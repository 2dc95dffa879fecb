import type { Fingerprint } from '@guise/contract';
import { expect } from 'vitest';

import { type Browser, type BrowserHost, launchBrowser, type Page } from '../browser/index.ts';
import { listRealms, openRealmSite, type RealmSite } from './realm-site.ts';
import { openTestHost } from './test-host.ts';
import { findIdentityHost, specFor } from './test-identity.ts';
import { until } from './until.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

/** A browser that wears a fingerprint, before a site that sees it. */
export interface WornIdentity {
  readonly site: RealmSite;
  readonly host: BrowserHost;
  readonly browser: Browser;
  readonly page: Page;
}

/** Launches a browser that wears what `choose` makes for this Chromium's version. `stack` ends it. */
export async function wearIdentity(
  stack: AsyncDisposableStack,
  { choose, headless = true }: { readonly choose: (version: string) => Fingerprint; readonly headless?: boolean },
): Promise<WornIdentity & { readonly fingerprint: Fingerprint }> {
  const host = await openTestHost(stack);
  const site = await openRealmSite(stack);
  const fingerprint = choose(host.version);
  const spec = specFor(fingerprint, { headless, host: await findIdentityHost() });
  const browser = stack.use(await launchBrowser(spec, host, soon()));
  return { site, host, browser, page: await browser.page(soon()), fingerprint };
}

/** What a page says to some code, as one that was just clicked on. */
export async function askPage(page: Page, code: string): Promise<unknown> {
  return (await page.execute({ code }, soon())).result;
}

/** What every realm has to say of a fingerprint. */
function expectedValues(fingerprint: Fingerprint): Record<string, unknown> {
  const { clientHints, hardware, gpu, languages, browser } = fingerprint;
  return {
    userAgent: fingerprint.userAgent,
    platform: fingerprint.navigatorPlatform,
    language: languages[0],
    languages,
    cores: hardware.cpuCores,
    memory: hardware.memoryGb,
    timeZone: fingerprint.timezone,
    locale: fingerprint.locale,
    webdriver: false,
    gpu: [gpu.vendor, gpu.renderer],
    hints: { ...clientHints, uaFullVersion: browser.version },
  };
}

const quoted = (text: string): string => JSON.stringify(text);
const brandList = (brands: Fingerprint['clientHints']['brands']): string =>
  brands.map(({ brand, version }) => `${quoted(brand)};v=${quoted(version)}`).join(', ');

/** What every request has to say that says it at all: workers send no client hints, and some only where they were asked for. */
function expectedHeaders({ userAgent, languages, clientHints, hardware }: Fingerprint): Record<string, string> {
  const weight = (index: number): string => (index === 0 ? '' : `;q=${(1 - index / 10).toFixed(1)}`);
  return {
    'user-agent': userAgent,
    'accept-language': languages.map((each, index) => `${each}${weight(index)}`).join(','),
    'sec-ch-ua': brandList(clientHints.brands),
    'sec-ch-ua-full-version-list': brandList(clientHints.fullVersionList),
    'sec-ch-ua-platform': quoted(clientHints.platform),
    'sec-ch-ua-platform-version': quoted(clientHints.platformVersion),
    'sec-ch-ua-mobile': clientHints.mobile ? '?1' : '?0',
    'sec-ch-ua-arch': quoted(clientHints.architecture),
    'sec-ch-ua-bitness': quoted(clientHints.bitness),
    'sec-ch-ua-model': quoted(clientHints.model),
    'device-memory': String(hardware.memoryGb),
  };
}

/** Loads the site, waits until each of its realms has reported, and compares what they and all requests say. */
export async function expectOneIdentity(
  { site, page }: Pick<WornIdentity, 'site' | 'page'>,
  fingerprint: Fingerprint,
): Promise<void> {
  site.clear();
  await page.navigate({ url: site.origin }, soon());
  await askPage(page, "void window.open('/popup')");
  await askPage(page, "void window.open('/window-without-opener', '_blank', 'noopener')");
  const realms = [...listRealms(fingerprint.os !== 'android'), 'popup', 'window-without-opener'];
  await until(() => realms.every((realm) => site.reports.has(realm)), {
    what: 'every realm reports',
    timeoutMs: 15_000,
  }).catch(() => undefined);
  expect(
    realms.filter((realm) => !site.reports.has(realm)),
    'silent',
  ).toEqual([]);
  for (const [realm, { values }] of site.reports) expect(values, realm).toEqual(expectedValues(fingerprint));
  const expected = expectedHeaders(fingerprint);
  for (const [name, value] of Object.entries(expected)) {
    const said = site.requests.filter(({ headers }) => headers[name] !== undefined);
    expect(said.length, name).toBeGreaterThan(0);
    for (const { path, headers } of said)
      expect(headers[name], `${name} of ${path}, from ${headers.referer ?? 'nowhere'}`).toBe(value);
  }
}
