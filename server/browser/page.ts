import {
  type Execute,
  type ExecuteResult,
  type Input,
  type InputResult,
  type Navigate,
  type NavigateResult,
  PAGE_TIMEOUT_MS,
  type PageContent,
  type Pdf,
  type Screenshot,
} from '@guise/contract';
import type { Protocol } from 'devtools-protocol';

import { AppError } from '../lib/app-error.ts';
import { isTimeout, raceAbort } from '../lib/deadline.ts';
import { captureScreenshot, printPdf } from './capture.ts';
import type { CdpSession } from './cdp-connection.ts';
import { CdpError } from './cdp-connection.ts';
import { PageInput } from './input/page-input.ts';
import { runScript } from './evaluate.ts';
import { navigatePage } from './navigate.ts';
import { NetworkSwitch } from './network-switch.ts';
import { stopPage } from './stop-page.ts';

/** V8 stops a script by itself at its time-out; our own deadline comes a little later, for what V8 does not see. */
const SCRIPT_GRACE_MS = 250;

const READ_CONTENT = `({
  url: location.href,
  title: document.title,
  html: (document.doctype ? new XMLSerializer().serializeToString(document.doctype) : '') +
    (document.documentElement?.outerHTML ?? ''),
})`;

interface OperationLimits {
  /** For the message: 'The script'. */
  readonly what: string;
  readonly timeoutMs?: number | undefined;
  readonly graceMs?: number;
  /** Whether it gives a page that has crashed a new renderer; anything else such a page never answers. */
  readonly revives?: boolean;
  /** Whether the page is to be stopped at the deadline: not where it is at something else by then. */
  readonly isCurrent?: () => boolean;
}

interface PageParts {
  readonly targetId: string;
  readonly session: CdpSession;
  readonly answersDialogs: () => boolean;
  /** Something is about to be done that may open another page, with an address. */
  readonly expectPage: () => void;
}

/**
 * One page of a browser, driven over our own attached session.
 *
 * `Runtime.enable` is never sent: it is the one thing about an attached debugger a page can notice. Scripts of ours
 * run in an isolated world; only the client's own run in the page's.
 */
export class Page {
  readonly targetId: string;
  readonly session: CdpSession;
  readonly network: NetworkSwitch;
  readonly expectPage: () => void;
  /** Whether dialogs are ours to answer; a client that drives the browser itself wants to see them. */
  readonly #answersDialogs: () => boolean;
  #prepared: Promise<void> | undefined;
  #isCrashed = false;
  readonly #input: PageInput;
  /** The navigations under way, and the one that was asked for last. */
  readonly #navigations = new Set<{ readonly href: string }>();
  #lastNavigation: { readonly href: string } | undefined;

  constructor(parts: PageParts) {
    this.targetId = parts.targetId;
    this.session = parts.session;
    this.expectPage = parts.expectPage;
    this.#input = new PageInput(this);
    this.network = new NetworkSwitch(parts.session);
    this.#answersDialogs = parts.answersDialogs;
    this.session.on('Page.javascriptDialogOpening', (event) => this.#onDialog(event));
    this.session.on('Inspector.targetCrashed', () => {
      this.#isCrashed = true;
      // What was sent to the renderer and not answered may be lost with it.
      this.#prepared = undefined;
    });
    this.session.on('Inspector.targetReloadedAfterCrash', () => (this.#isCrashed = false));
  }

  /** The main frame's id: Chromium gives a page's target and its main frame the same. */
  get frameId(): string {
    return this.targetId;
  }

  /** Runs a client's script. @throws {AppError} SCRIPT_FAILED, RESULT_NOT_SERIALIZABLE, OPERATION_TIMED_OUT */
  async execute(input: Execute, signal: AbortSignal): Promise<ExecuteResult> {
    const { awaitPromise = true, returnByValue = true, timeoutMs = PAGE_TIMEOUT_MS, world = 'main', ...script } = input;
    return this.#within({ what: 'The script', timeoutMs, graceMs: SCRIPT_GRACE_MS }, signal, async (deadline) => {
      const contextId = world === 'isolated' ? await this.isolatedContext(deadline) : undefined;
      return runScript(this.session, { script, awaitPromise, returnByValue, timeoutMs, contextId }, deadline);
    });
  }

  /** Loads an address. Of several at once the last one wins. @throws {AppError} NAVIGATION_FAILED, OPERATION_TIMED_OUT */
  async navigate(input: Navigate, signal: AbortSignal): Promise<NavigateResult> {
    const { url, waitUntil = 'load', timeoutMs } = input;
    const navigation = { href: URL.parse(url)?.href ?? url };
    const repeats = [...this.#navigations].some(({ href }) => href === navigation.href);
    this.#navigations.add(navigation);
    this.#lastNavigation = navigation;
    const isCurrent = (): boolean => this.#lastNavigation === navigation;
    const isDue = (): boolean => repeats && isCurrent();
    try {
      return await this.#within({ what: 'The navigation', timeoutMs, revives: true, isCurrent }, signal, (deadline) =>
        navigatePage(this, { ...input, waitUntil, isDue }, deadline),
      );
    } finally {
      this.#navigations.delete(navigation);
    }
  }

  /** Takes a picture. @throws {AppError} ELEMENT_NOT_FOUND, PAGE_OPERATION_FAILED, OPERATION_TIMED_OUT */
  async screenshot(input: Screenshot, signal: AbortSignal): Promise<Buffer> {
    return this.#within({ what: 'The screenshot', timeoutMs: input.timeoutMs }, signal, (deadline) =>
      captureScreenshot(this, input, deadline),
    );
  }

  /** Prints the page. @throws {AppError} PAGE_OPERATION_FAILED, OPERATION_TIMED_OUT */
  async pdf(input: Pdf, signal: AbortSignal): Promise<Buffer> {
    return this.#within({ what: 'The PDF', timeoutMs: input.timeoutMs }, signal, (deadline) =>
      printPdf(this.session, input, deadline),
    );
  }

  /** Uses mouse, keyboard and touch screen. @throws {AppError} ELEMENT_NOT_FOUND, OPERATION_TIMED_OUT */
  async input(input: Input, signal: AbortSignal): Promise<InputResult> {
    return this.#within({ what: 'The input', timeoutMs: input.timeoutMs }, signal, (deadline) =>
      this.#input.perform(input, deadline),
    );
  }

  /** The document as it is now. @throws {AppError} OPERATION_TIMED_OUT */
  async content(signal: AbortSignal): Promise<PageContent> {
    return this.#within({ what: 'Reading the content' }, signal, async (deadline) => {
      const contextId = await this.isolatedContext(deadline);
      const { result } = await this.session.send(
        'Runtime.evaluate',
        { expression: READ_CONTENT, contextId, returnByValue: true },
        deadline,
      );
      return result.value as PageContent;
    });
  }

  /** Resolves when the page's renderer answers, which one that runs a script without end does not. Rejects at once after a crash. */
  async ping(signal: AbortSignal): Promise<void> {
    if (this.#isCrashed) throw crashed('The page');
    await this.session.send('Page.getFrameTree', undefined, signal);
  }

  /** A JavaScript context beside the page's own, with the same document, which the page cannot reach. */
  async isolatedContext(signal: AbortSignal): Promise<number> {
    const { frameId } = this;
    const { executionContextId } = await this.session.send('Page.createIsolatedWorld', { frameId }, signal);
    return executionContextId;
  }

  /** Switches on what page operations listen to; once per page, before the first of them. */
  prepare(): Promise<void> {
    if (this.#prepared === undefined) {
      const preparing = this.#prepare().catch((error: unknown) => {
        // A page that was too busy to answer may do so the next time.
        if (this.#prepared === preparing) this.#prepared = undefined;
        throw error;
      });
      this.#prepared = preparing;
    }
    return this.#prepared;
  }

  /** Finds out whether the page had crashed before it was attached to, which no event tells. Never rejects. */
  async findCrash(): Promise<void> {
    // The browser answers this by itself, after the event that a page without a renderer is due.
    await this.session.send('Inspector.enable').catch(() => undefined);
  }

  /**
   * Resolves when an operation may begin. A page that has crashed is prepared once it has a renderer again: waiting for that
   * would keep it from ever being sent anywhere.
   */
  async #ready({ what, revives = false }: OperationLimits): Promise<void> {
    if (!this.#isCrashed) await this.prepare();
    else if (!revives) throw crashed(what);
  }

  async #prepare(): Promise<void> {
    await Promise.all([
      this.session.send('Page.enable'),
      this.session.send('Page.setLifecycleEventsEnabled', { enabled: true }),
    ]);
    this.#isCrashed = false;
  }

  #onDialog({ type }: Protocol.Page.JavascriptDialogOpeningEvent): void {
    if (!this.#answersDialogs()) return;
    // An alert has one answer, and leaving a page was asked for; what is a real question gets a no.
    const accept = type === 'alert' || type === 'beforeunload';
    // Somebody else may have answered, or the page may be gone.
    this.session.send('Page.handleJavaScriptDialog', { accept }).catch(() => undefined);
  }

  /**
   * Runs an operation under one deadline, which covers all it waits for; at the deadline the page is stopped. A page that
   * crashes answers nothing more, so that the operation ends with it.
   */
  async #within<Value>(
    limits: OperationLimits,
    signal: AbortSignal,
    run: (deadline: AbortSignal) => Promise<Value>,
  ): Promise<Value> {
    const { what, timeoutMs = PAGE_TIMEOUT_MS, graceMs = 0, isCurrent = () => true } = limits;
    const crash = new AbortController();
    const deadline = AbortSignal.any([signal, crash.signal, AbortSignal.timeout(timeoutMs + graceMs)]);
    const stopListening = this.session.on('Inspector.targetCrashed', () => crash.abort(crashed(what)));
    try {
      await raceAbort(this.#ready(limits), deadline);
      return await run(deadline);
    } catch (error) {
      if (isTimeout(error)) {
        if (isCurrent()) await stopPage(this.session);
        throw new AppError('OPERATION_TIMED_OUT', `${what} was stopped after ${timeoutMs} ms`, { cause: error });
      }
      if (error instanceof CdpError) {
        throw new AppError('PAGE_OPERATION_FAILED', `${what} failed: ${error.message}`, { cause: error });
      }
      throw error;
    } finally {
      stopListening();
    }
  }
}

function crashed(what: string): AppError {
  return new AppError(
    'PAGE_OPERATION_FAILED',
    `${what} failed: the page crashed; it works again once it is sent somewhere`,
  );
}
