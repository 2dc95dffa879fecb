import type { Protocol } from 'devtools-protocol';

import type { CdpSession } from './cdp-connection.ts';
import { addCookies, type JarCookie, readJar } from './cookies.ts';
import type { Page } from './page.ts';

/** What a site keeps, as pairs of names and values in the order of the site's own list. */
type StorageEntries = readonly (readonly [name: string, value: string])[];

/** An open page of a checkpoint. */
interface CheckpointPage {
  /** By which it is known again while its browser runs. */
  readonly targetId?: string;
  readonly url: string;
  /** Position in CSS pixels. */
  readonly scroll: { readonly x: number; readonly y: number };
  /** What its site keeps for this page alone (`sessionStorage`). */
  readonly session: StorageEntries;
}

/** What of a browser a successor on another machine can be given. */
export interface BrowserCheckpoint {
  readonly cookies: readonly JarCookie[];
  /** `localStorage` by origin: of the sites that are open, and of those that were at an earlier checkpoint, the latest last. */
  readonly local: Readonly<Record<string, StorageEntries>>;
  /** Oldest first. */
  readonly pages: readonly CheckpointPage[];
}

const TOP = { x: 0, y: 0 };

/** What a browser is restored with that nothing is known of but where it was to go. */
export function emptyCheckpoint(startUrl?: string): BrowserCheckpoint {
  return { cookies: [], local: {}, pages: startUrl === undefined ? [] : [{ url: startUrl, scroll: TOP, session: [] }] };
}

/** One page may take this long to say what it keeps; one that does not keeps what it had. Milliseconds. */
const READ_PAGE_TIMEOUT_MS = 2_000;
/** What of one storage is kept at most, in UTF-16 units; a larger one is left out. */
const MAX_STORAGE_LENGTH = 500_000;
/** The same of all together, the latest first: it is read and compared every few seconds. */
const MAX_TOTAL_LENGTH = 2_000_000;
/** Sites and pages that are kept, the latest of them. */
const MAX_SITES = 50;
const MAX_PAGES = 50;
/** How long a page that is opened again may take to be there to be scrolled. Milliseconds. */
const LOAD_TIMEOUT_MS = 30_000;

interface PageReading {
  readonly url: string;
  readonly origin: string;
  readonly scroll: CheckpointPage['scroll'];
  /** null: it has none, or too much. */
  readonly local: StorageEntries | null;
  readonly session: StorageEntries | null;
}

/** Runs in an isolated world: the page can neither see nor disturb it. */
const READ_PAGE = `(() => {
  const read = (open) => {
    try {
      const storage = open();
      const names = Array.from({ length: storage.length }, (_, index) => storage.key(index));
      const entries = names.map((name) => [name, storage.getItem(name)]);
      const length = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
      return length > ${MAX_STORAGE_LENGTH} ? null : entries;
    } catch {
      return null;
    }
  };
  return {
    url: location.href,
    origin: location.origin,
    scroll: { x: scrollX, y: scrollY },
    local: read(() => localStorage),
    session: read(() => sessionStorage),
  };
})()`;

/** Runs in the same world of an empty document of a site, and does nothing in any other's. */
const WRITE_STORAGES = `(({ origin, local, session }) => {
  if (location.origin !== origin) return;
  for (const [storage, entries] of [[localStorage, local], [sessionStorage, session]]) {
    if (entries === undefined) continue;
    storage.clear();
    for (const [name, value] of entries) storage.setItem(name, value);
  }
})`;

function isOfSite(url: string): boolean {
  return /^https?:/.test(url);
}

function lengthOf(entries: StorageEntries): number {
  return entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

async function evaluateIsolated(page: Page, expression: string, signal: AbortSignal): Promise<unknown> {
  const contextId = await page.isolatedContext(signal);
  const parameters = { expression, contextId, returnByValue: true, awaitPromise: true };
  const { result } = await page.session.send('Runtime.evaluate', parameters, signal);
  return result.value;
}

async function readPage(page: Page, signal: AbortSignal): Promise<PageReading | undefined> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(READ_PAGE_TIMEOUT_MS)]);
  try {
    return (await evaluateIsolated(page, READ_PAGE, deadline)) as PageReading;
  } catch {
    // Busy, crashed, or on its way elsewhere.
    return undefined;
  }
}

/** The addresses of the pages of the browser's own context, by target: those of a client's other contexts are none of the session's. */
async function listAddresses(browser: CdpSession, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const [{ targetInfos }, { browserContextIds }] = await Promise.all([
    browser.send('Target.getTargets', { filter: [{ type: 'page' }] }, signal),
    browser.send('Target.getBrowserContexts', undefined, signal),
  ]);
  const isOwn = ({ browserContextId }: Protocol.Target.TargetInfo): boolean =>
    browserContextId === undefined || !browserContextIds.includes(browserContextId);
  return new Map(targetInfos.filter(isOwn).map(({ targetId, url }) => [targetId, url]));
}

/**
 * Reads what a successor of this browser could be given. `before` is what was read last: a page that does not answer, and a site that is not
 * open any more, have from there what they had.
 *
 * @throws {CdpClosedError} when the browser is gone, and what `signal` was aborted with
 */
export async function readCheckpoint(
  { browser, pages }: { readonly browser: CdpSession; readonly pages: readonly Page[] },
  before: BrowserCheckpoint,
  signal: AbortSignal,
): Promise<BrowserCheckpoint> {
  const [cookies, addresses] = await Promise.all([readJar(browser, signal), listAddresses(browser, signal)]);
  const own = pages.filter(({ targetId }) => addresses.has(targetId)).slice(-MAX_PAGES);
  const readings = await Promise.all(
    own.map(async (page) => ({ targetId: page.targetId, reading: await readPage(page, signal) })),
  );
  const local = new Map(Object.entries(before.local));
  for (const { reading } of readings) {
    if (reading === undefined || reading.local === null || !isOfSite(reading.url)) continue;
    local.delete(reading.origin);
    local.set(reading.origin, reading.local);
  }
  const open = readings.map(({ targetId, reading }): CheckpointPage => {
    const known = before.pages.find((page) => page.targetId === targetId);
    // What could not be loaded has an address of the browser's own, and only the browser knows what was meant.
    const url = reading !== undefined && isOfSite(reading.url) ? reading.url : (addresses.get(targetId) ?? '');
    const { scroll = TOP, session = [] } = reading ?? known ?? {};
    return { targetId, url: /^(https?|data):/.test(url) ? url : 'about:blank', scroll, session: session ?? [] };
  });
  return limited({ cookies, local: Object.fromEntries([...local].slice(-MAX_SITES)), pages: open });
}

/** A checkpoint without the storage that is too much, the earliest first. */
function limited({ cookies, local, pages }: BrowserCheckpoint): BrowserCheckpoint {
  let room = MAX_TOTAL_LENGTH;
  const fits = (entries: StorageEntries): boolean => {
    const length = lengthOf(entries);
    if (length > room) return false;
    room -= length;
    return true;
  };
  const kept = pages.toReversed().map((page) => (fits(page.session) ? page : { ...page, session: [] }));
  const sites = Object.entries(local)
    .reverse()
    .filter(([, entries]) => fits(entries));
  return { cookies, local: Object.fromEntries(sites.reverse()), pages: kept.reverse() };
}

/** What a site is given; what is absent stays as it is. */
interface KeptSite {
  readonly origin: string;
  readonly local?: StorageEntries;
  readonly session?: StorageEntries;
}

/** Gives a new browser what another one had. What it does not take is left out. Resolves when it is on its way to the pages. */
export async function restoreCheckpoint(
  { browser, openPage }: { readonly browser: CdpSession; readonly openPage: (index: number) => Promise<Page> },
  { cookies, local, pages }: BrowserCheckpoint,
  signal: AbortSignal,
): Promise<void> {
  await addCookies(browser, cookies, signal);
  const first = await openPage(0);
  const sites = Object.entries(local).map(([origin, entries]) => ({ origin, local: entries }));
  await visitSites(first, sites, signal);
  for (const [index, wanted] of pages.entries()) {
    const page = index === 0 ? first : await openPage(index);
    if (isOfSite(wanted.url) && wanted.session.length > 0) {
      await visitSites(page, [{ origin: new URL(wanted.url).origin, session: wanted.session }], signal);
    }
    if (wanted.url !== 'about:blank') await reopen(page, wanted, signal);
  }
}

/**
 * Takes a page to an empty document of each site, without a request to any, and lets that write what the site kept: storage can only be
 * written from inside.
 */
async function visitSites(page: Page, sites: readonly KeptSite[], signal: AbortSignal): Promise<void> {
  if (sites.length === 0) return;
  const { session: cdp } = page;
  const stop = cdp.on('Fetch.requestPaused', ({ requestId }) => {
    const answer = { requestId, responseCode: 200, responseHeaders: [{ name: 'content-type', value: 'text/html' }] };
    // The page may be gone.
    cdp.send('Fetch.fulfillRequest', answer).catch(() => undefined);
  });
  try {
    await cdp.send('Network.setBypassServiceWorker', { bypass: true }, signal);
    await cdp.send('Fetch.enable', { patterns: [{ urlPattern: '*' }] }, signal);
    for (const site of sites) {
      const expression = `${WRITE_STORAGES}(JSON.parse(${JSON.stringify(JSON.stringify(site))}))`;
      await page
        .navigate({ url: `${site.origin}/`, waitUntil: 'commit' }, signal)
        .then(() => evaluateIsolated(page, expression, signal))
        .catch(() => signal.throwIfAborted());
    }
    await page.navigate({ url: 'about:blank', waitUntil: 'commit' }, signal);
  } finally {
    stop();
    await cdp.send('Fetch.disable').catch(() => undefined);
    await cdp.send('Network.setBypassServiceWorker', { bypass: false }).catch(() => undefined);
    await cdp.send('Network.disable').catch(() => undefined);
  }
}

/** Sends a page where it was; that it is scrolled there is not waited for. */
async function reopen(page: Page, { url, scroll }: CheckpointPage, signal: AbortSignal): Promise<void> {
  // An address that cannot be loaded shows the browser's own error page, as it would have before.
  await page.navigate({ url, waitUntil: 'commit' }, signal).catch(() => undefined);
  // The empty page before it is nowhere to go back to.
  await page.session.send('Page.resetNavigationHistory', undefined, signal).catch(() => undefined);
  // A page that leaves before it has loaded is not scrolled.
  evaluateIsolated(page, scrollWhenLoaded(scroll), AbortSignal.timeout(LOAD_TIMEOUT_MS)).catch(() => undefined);
}

function scrollWhenLoaded({ x, y }: CheckpointPage['scroll']): string {
  return `(async () => {
    if (document.readyState !== 'complete') await new Promise((resolve) => addEventListener('load', resolve, { once: true }));
    scrollTo(${x}, ${y});
  })()`;
}
