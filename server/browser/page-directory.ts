import type { Protocol } from 'devtools-protocol';

import { raceAbort } from '../lib/deadline.ts';
import type { SetupCommand } from './browser-identity.ts';
import type { CdpConnection, CdpSession } from './cdp-connection.ts';
import { ExpectedPages } from './expected-pages.ts';
import type { HaltedRequests } from './halted-requests.ts';
import { Page } from './page.ts';
import { applyTargetSetup, listRenewals, planSharedOverrides, sendCommands, type TargetSetup } from './target-setup.ts';

/** Which targets we attach to. `browser` and `tab` only wrap others. */
const EVERYTHING = [{ type: 'browser', exclude: true }, { type: 'tab', exclude: true }, {}];
const PAGES_ONLY = [{ type: 'page' }];

/** Lets a page go that its opener holds back until everybody attached has said so. Never rejects. */
async function release(session: CdpSession): Promise<void> {
  // It may have been closed already.
  await session.send('Runtime.runIfWaitingForDebugger').catch(() => undefined);
}

/**
 * Settles with `work`, or when the page crashes. What was sent to a renderer that dies stays unanswered until the page has
 * another one, and is refused then.
 */
async function untilCrash(session: CdpSession, work: Promise<void>): Promise<void> {
  const crash = Promise.withResolvers<void>();
  const stop = session.on('Inspector.targetCrashed', () => crash.resolve());
  await Promise.race([work, crash.promise]).finally(stop);
}

interface PageDirectoryOptions {
  readonly connection: CdpConnection;
  readonly halted: HaltedRequests;
  /** What every target is to get before it runs; undefined leaves all of them alone. */
  readonly setup: TargetSetup | undefined;
  readonly answersDialogs: () => boolean;
}

interface KnownPage {
  readonly page: Page;
  /** Resolves when the browser has taken the page's set-up. */
  readonly isSetUp: Promise<void>;
}

/**
 * Knows a browser's pages, by being attached to each from its beginning.
 *
 * With a set-up, every target (page, frame, worker) starts paused and is released once it has been set up; without
 * one, only pages are attached and nothing is paused.
 */
export class PageDirectory {
  readonly #options: PageDirectoryOptions;
  /** By target id, oldest first. */
  readonly #pages = new Map<string, KnownPage>();
  /** All targets that were set up, with their types, by session id. */
  readonly #targets = new Map<string, { readonly session: CdpSession; readonly type: string }>();
  readonly #waiting = new Set<() => void>();
  readonly #expected: ExpectedPages;

  constructor(options: PageDirectoryOptions) {
    this.#options = options;
    const { connection, halted, setup } = options;
    this.#expected = new ExpectedPages(connection.browser, { halted, hints: setup?.userAgent?.userAgentMetadata });
  }

  get count(): number {
    return this.#pages.size;
  }

  /**
   * Attaches to what is there and to all that comes, and resolves when the first page is ready for use: in a browser that
   * is new; one that has been running may have no page, or one that never loads.
   */
  async start({ isNew }: { readonly isNew: boolean }, signal: AbortSignal): Promise<void> {
    const { connection, setup } = this.#options;
    this.#watch(connection.browser);
    await connection.browser.send(
      'Target.setAutoAttach',
      {
        autoAttach: true,
        flatten: true,
        waitForDebuggerOnStart: setup !== undefined,
        filter: setup === undefined ? PAGES_ONLY : EVERYTHING,
      },
      signal,
    );
    if (!isNew) {
      await raceAbort(Promise.all(this.all.map((page) => page.findCrash())), signal);
      return;
    }
    const { page, isSetUp } = await this.#newest(signal);
    // The browser is still opening this page: an address it is given before that is done is dropped (ERR_ABORTED).
    const loaded = Promise.withResolvers<void>();
    const stop = page.session.on('Page.lifecycleEvent', ({ name }) => name === 'load' && loaded.resolve());
    await raceAbort(Promise.all([page.prepare(), isSetUp, loaded.promise]), signal);
    stop();
  }

  /** All pages, oldest first. */
  get all(): readonly Page[] {
    return [...this.#pages.values()].map(({ page }) => page);
  }

  /** The page opened last, which is the one in front; a new one when all have been closed. */
  async current(signal: AbortSignal): Promise<Page> {
    if (this.#pages.size === 0) {
      await this.#options.connection.browser.send('Target.createTarget', { url: 'about:blank' }, signal);
    }
    const { page, isSetUp } = await this.#newest(signal);
    await raceAbort(isSetUp, signal);
    return page;
  }

  /** See `Browser.sharedOverrides`. */
  get sharedOverrides(): readonly SetupCommand[] {
    return planSharedOverrides(this.#options.setup);
  }

  /** See `Browser.expectPage`. */
  async expect(): Promise<void> {
    await this.#expected.expect();
  }

  /** See `Browser.restoreOverrides`. */
  restoreOverrides(): void {
    const documents = [...this.#targets.values()].filter(({ type }) => type === 'page' || type === 'iframe');
    for (const { session } of documents) void sendCommands(session, this.sharedOverrides);
  }

  /**
   * Opens an empty page beside those that are there. One that is given an address at once is on its way before it can be set up.
   */
  async open(signal: AbortSignal): Promise<Page> {
    const { browser } = this.#options.connection;
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' }, signal);
    const { page, isSetUp } = await this.#find(() => this.#pages.get(targetId), signal);
    await raceAbort(isSetUp, signal);
    return page;
  }

  async #newest(signal: AbortSignal): Promise<KnownPage> {
    return this.#find(() => [...this.#pages.values()].at(-1), signal);
  }

  /** The page that `look` finds, now or when another has been attached. */
  async #find(look: () => KnownPage | undefined, signal: AbortSignal): Promise<KnownPage> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      const attached = Promise.withResolvers<void>();
      this.#waiting.add(attached.resolve);
      await raceAbort(attached.promise, signal);
    }
  }

  #watch(session: CdpSession): void {
    session.on('Target.attachedToTarget', (event) => this.#onAttached(event));
    session.on('Target.detachedFromTarget', (event) => this.#onDetached(event));
  }

  #onAttached({ sessionId, targetInfo }: Protocol.Target.AttachedToTargetEvent): void {
    const { connection, setup, answersDialogs } = this.#options;
    const { targetId, type } = targetInfo;
    const session = connection.session(sessionId);
    if (setup !== undefined) {
      this.#watch(session);
      this.#targets.set(sessionId, { session, type });
    }
    const setUp = (): Promise<void> =>
      setup === undefined ? release(session) : applyTargetSetup(session, targetInfo, setup);
    if (type !== 'page') {
      void setUp();
      // See below.
      session.on('Inspector.targetReloadedAfterCrash', () => void setUp());
      return;
    }
    const page = new Page({ targetId, session, answersDialogs, expectPage: () => void this.#expected.expect() });
    const setUpPage = (): void => void this.#pages.set(targetId, { page, isSetUp: untilCrash(session, setUp()) });
    setUpPage();
    // What the renderer that died had not taken yet died with it.
    session.on('Inspector.targetReloadedAfterCrash', setUpPage);
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #onDetached({ sessionId }: Protocol.Target.DetachedFromTargetEvent): void {
    const { connection, setup } = this.#options;
    connection.dropSession(sessionId);
    const gone = this.#targets.get(sessionId);
    this.#targets.delete(sessionId);
    if (setup !== undefined && gone !== undefined) {
      const commands = listRenewals(gone.type, setup);
      if (commands.length > 0) for (const { session } of this.#targets.values()) void sendCommands(session, commands);
    }
    for (const [targetId, { page }] of this.#pages) {
      if (page.session.id === sessionId) this.#pages.delete(targetId);
    }
  }
}
