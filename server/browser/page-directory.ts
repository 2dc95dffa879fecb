import type { Protocol } from 'devtools-protocol';

import { raceAbort } from '../lib/deadline.ts';
import type { CdpConnection, CdpSession } from './cdp-connection.ts';
import { Page } from './page.ts';
import type { SetupCommand } from './browser-identity.ts';
import { applyTargetSetup, planSharedOverrides, type TargetSetup } from './target-setup.ts';

/** Which targets we attach to. `browser` and `tab` only wrap others. */
const EVERYTHING = [{ type: 'browser', exclude: true }, { type: 'tab', exclude: true }, {}];
const PAGES_ONLY = [{ type: 'page' }];

/** Lets a page go that its opener holds back until everybody attached has said so. Never rejects. */
async function release(session: CdpSession): Promise<void> {
  // It may have been closed already.
  await session.send('Runtime.runIfWaitingForDebugger').catch(() => undefined);
}

interface PageDirectoryOptions {
  readonly connection: CdpConnection;
  /** What every target is to get before it runs; undefined leaves all of them alone. */
  readonly setup: TargetSetup | undefined;
  readonly answersDialogs: () => boolean;
}

/**
 * Knows a browser's pages, by being attached to each from its beginning.
 *
 * With a set-up, every target (page, frame, worker) starts paused and is released once it has been set up; without
 * one, only pages are attached and nothing is paused.
 */
export class PageDirectory {
  readonly #options: PageDirectoryOptions;
  /** By target id, oldest first; each with the promise that its set-up has been taken by the browser. */
  readonly #pages = new Map<string, { readonly page: Page; readonly isSetUp: Promise<void> }>();
  readonly #waiting = new Set<() => void>();
  /** Our sessions of pages and frames with a process of their own, where there is a set-up. */
  readonly #documents = new Set<CdpSession>();

  constructor(options: PageDirectoryOptions) {
    this.#options = options;
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
    if (!isNew) return;
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

  /** See `Browser.restoreOverrides`. */
  restoreOverrides(): void {
    const userAgent = this.#options.setup?.userAgent;
    if (userAgent === undefined) return;
    // A target that is gone meanwhile needs none.
    for (const session of this.#documents) {
      session.send('Emulation.setUserAgentOverride', userAgent).catch(() => undefined);
    }
  }

  async #newest(signal: AbortSignal): Promise<{ readonly page: Page; readonly isSetUp: Promise<void> }> {
    for (;;) {
      const newest = [...this.#pages.values()].at(-1);
      if (newest !== undefined) return newest;
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
    if (setup !== undefined) this.#watch(session);
    if (setup !== undefined && (type === 'page' || type === 'iframe')) this.#documents.add(session);
    const isSetUp = setup === undefined ? release(session) : applyTargetSetup(session, type, setup);
    if (type !== 'page') return;
    this.#pages.set(targetId, { page: new Page({ targetId, session, answersDialogs }), isSetUp });
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #onDetached({ sessionId }: Protocol.Target.DetachedFromTargetEvent): void {
    for (const session of this.#documents) if (session.id === sessionId) this.#documents.delete(session);
    this.#options.connection.dropSession(sessionId);
    for (const [targetId, { page }] of this.#pages) {
      if (page.session.id === sessionId) this.#pages.delete(targetId);
    }
  }
}
