import type { CdpSession } from './cdp-connection.ts';
import { addCookies, type JarCookie, readJar } from './cookies.ts';
import type { Page } from './page.ts';

/** What a site keeps, as pairs of names and values in the order of the site's own list. */
type StorageEntries = readonly (readonly [name: string, value: string])[];

/** An open page of a checkpoint. */
interface CheckpointPage {
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

/** What a browser is restored with that nothing is known of but where it was to go. */
export function emptyCheckpoint(startUrl?: string): BrowserCheckpoint {
  const page = (url: string): CheckpointPage => ({ url, scroll: { x: 0, y: 0 }, session: [] });
  return { cookies: [], local: {}, pages: startUrl === undefined ? [] : [page(startUrl)] };
}

/** One page may take this long to say what it keeps; one that does not keeps what it had. Milliseconds. */
const READ_PAGE_TIMEOUT_MS = 2_000;
/** What of one storage is kept at most, in UTF-16 units; of larger ones nothing is. */
const MAX_STORAGE_LENGTH = 1_000_000;
/** Sites whose storage is kept, the least recent ones dropped. */
const MAX_SITES = 50;
/** How long a page that is opened again may take to be there to be scrolled. Milliseconds. */
const LOAD_TIMEOUT_MS = 30_000;

interface PageReading extends CheckpointPage {
  readonly origin: string;
  readonly local: StorageEntries;
}

/** Runs in an isolated world: the page can neither see nor disturb it. A page without an origin of its own keeps nothing. */
const READ_PAGE = `(() => {
  const read = (open) => {
    try {
      const entries = Object.entries(open());
      const length = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
      return length > ${MAX_STORAGE_LENGTH} ? [] : entries;
    } catch {
      return [];
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

/** The same world, in an empty document of a site: gives the site what it kept. */
function writeStorages(local: StorageEntries | undefined, session: StorageEntries | undefined): string {
  return `((local, session) => {
    for (const [storage, entries] of [[localStorage, local], [sessionStorage, session]]) {
      if (entries === null) continue;
      storage.clear();
      for (const [name, value] of entries) storage.setItem(name, value);
    }
  })(...JSON.parse(${JSON.stringify(JSON.stringify([local ?? null, session ?? null]))}))`;
}

function isOfSite(url: string): boolean {
  return /^https?:/.test(url);
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
  const [cookies, readings] = await Promise.all([
    readJar(browser, signal),
    Promise.all(pages.map((page) => readPage(page, signal))),
  ]);
  const local = new Map(Object.entries(before.local));
  for (const reading of readings) {
    if (reading === undefined || !isOfSite(reading.url)) continue;
    local.delete(reading.origin);
    local.set(reading.origin, reading.local);
  }
  return {
    cookies,
    local: Object.fromEntries([...local].slice(-MAX_SITES)),
    pages: readings.flatMap((reading, index) => {
      const known = reading ?? before.pages[index];
      return known === undefined ? [] : [{ url: known.url, scroll: known.scroll, session: known.session }];
    }),
  };
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

/** What a site is given; what is absent stays as it is. */
interface KeptSite {
  readonly origin: string;
  readonly local?: StorageEntries;
  readonly session?: StorageEntries;
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
    for (const { origin, local, session } of sites) {
      await page
        .navigate({ url: `${origin}/`, waitUntil: 'commit' }, signal)
        .then(() => evaluateIsolated(page, writeStorages(local, session), signal))
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
