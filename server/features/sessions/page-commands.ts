import type {
  CookieList,
  Execute,
  ExecuteResult,
  Input,
  InputAction,
  InputResult,
  Navigate,
  NavigateResult,
  PageContent,
  Pdf,
  Screenshot,
  SetCookies,
} from '@guise/contract';

import { AppError, invalidField } from '../../lib/app-error.ts';
import { explainNavigation } from './explain-navigation.ts';
import { toSessionId } from './session-operations.ts';
import type { SessionService } from './session-service.ts';

/** A file a page was made into. */
interface CapturedFile {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** What a client wants of the session it names. */
type Wish<Options = unknown> = Options & { readonly sessionId: string };

/**
 * What a client can ask of the page in front of a live session, the same over REST and in real time. What no schema can
 * say is checked here.
 *
 * `signal` is aborted when the client has gone. All reject with {AppError} as `SessionService.withBrowser` and the operation do, and VALIDATION_FAILED or
 * OPTION_NOT_AVAILABLE for options that cannot be.
 */
export interface PageCommands {
  execute(wish: Wish<Execute>, signal: AbortSignal): Promise<ExecuteResult>;
  navigate(wish: Wish<Navigate>, signal: AbortSignal): Promise<NavigateResult>;
  screenshot(wish: Wish<Screenshot>, signal: AbortSignal): Promise<CapturedFile>;
  pdf(wish: Wish<Pdf>, signal: AbortSignal): Promise<CapturedFile>;
  input(wish: Wish<Input>, signal: AbortSignal): Promise<InputResult>;
  content(wish: Wish, signal: AbortSignal): Promise<PageContent>;
  getCookies(wish: Wish): Promise<CookieList>;
  /** Answers with the cookies as the browser has them then. */
  setCookies(wish: Wish<SetCookies>): Promise<CookieList>;
}

function refuseStore({ store }: { readonly store?: boolean }): void {
  if (store !== true) return;
  const message = 'is not available in this version';
  throw new AppError('OPTION_NOT_AVAILABLE', 'Not available in this version: store', {
    extensions: { errors: [{ path: '/store', message }] },
  });
}

/** What no schema says: exactly one of two ways to give the script. */
function checkScript({ code, function: source, args }: Execute): void {
  if ((code === undefined) === (source === undefined)) throw invalidField('/code', 'give either code or function');
  if (code !== undefined && args !== undefined) throw invalidField('/args', 'only a function takes arguments');
}

function checkScreenshot({ fullPage, clip, selector, format, quality }: Screenshot): void {
  if ([fullPage === true, clip !== undefined, selector !== undefined].filter(Boolean).length > 1) {
    throw invalidField('/clip', 'give at most one of fullPage, clip and selector');
  }
  if (quality !== undefined && (format ?? 'png') === 'png') throw invalidField('/quality', 'png has no quality');
}

/** What an action cannot do without. */
const NEEDS: Readonly<Partial<Record<InputAction['type'], keyof InputAction | 'place'>>> = {
  move: 'place',
  tap: 'place',
  type: 'text',
  key: 'key',
  wait: 'ms',
};

/** What no schema says of an action; undefined: it can be. */
function whyNotAct(action: InputAction): string | undefined {
  const { type, x, y, selector } = action;
  if ((x === undefined) !== (y === undefined)) return 'give both x and y, or neither';
  if (x !== undefined && selector !== undefined) return 'give either x and y or a selector';
  const need = NEEDS[type];
  if (need === 'place') return (x ?? selector) === undefined ? 'needs x and y, or a selector' : undefined;
  return need !== undefined && action[need] === undefined ? `needs ${need}` : undefined;
}

function checkActions(actions: readonly InputAction[]): void {
  for (const [index, action] of actions.entries()) {
    const why = whyNotAct(action);
    if (why !== undefined) throw invalidField(`/actions/${index}`, why);
  }
}

/** See `PageCommands`. */
export function pageCommands(service: SessionService): PageCommands {
  return {
    async execute({ sessionId, ...script }, signal) {
      checkScript(script);
      return service.withPage(toSessionId({ sessionId }), signal, (page) => page.execute(script, signal));
    },
    async navigate({ sessionId, ...target }, signal) {
      const id = toSessionId({ sessionId });
      return explainNavigation(service.findLive(id)?.egress, target.url, () =>
        service.withPage(id, signal, (page) => page.navigate(target, signal)),
      );
    },
    async screenshot({ sessionId, ...options }, signal) {
      refuseStore(options);
      checkScreenshot(options);
      const bytes = await service.withPage(toSessionId({ sessionId }), signal, (page) =>
        page.screenshot(options, signal),
      );
      return { mediaType: `image/${options.format ?? 'png'}`, bytes };
    },
    async pdf({ sessionId, ...options }, signal) {
      refuseStore(options);
      const bytes = await service.withPage(toSessionId({ sessionId }), signal, (page) => page.pdf(options, signal));
      return { mediaType: 'application/pdf', bytes };
    },
    async input({ sessionId, ...input }, signal) {
      checkActions(input.actions);
      const id = toSessionId({ sessionId });
      const isHuman = service.findLive(id)?.stealthLevel === 'maximum';
      const paced = { pace: isHuman ? ('human' as const) : ('instant' as const), ...input };
      return service.withPage(id, signal, (page) => page.input(paced, signal));
    },
    async content({ sessionId }, signal) {
      return service.withPage(toSessionId({ sessionId }), signal, (page) => page.content(signal));
    },
    async getCookies({ sessionId }) {
      return service.withBrowser(toSessionId({ sessionId }), async (browser) => ({ cookies: await browser.cookies() }));
    },
    async setCookies({ sessionId, cookies }) {
      return service.withBrowser(toSessionId({ sessionId }), async (browser) => {
        await browser.setCookies(cookies);
        return { cookies: await browser.cookies() };
      });
    },
  };
}
