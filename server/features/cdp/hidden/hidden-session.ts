import type { Params } from '../command-checks.ts';
import { type ConsoleMessage, readConsoleMessage, toConsoleCall } from './console-translation.ts';
import { callsForInternalBinding, type DriverTraces, isInternalBinding } from './driver-traces.ts';
import type { OnAnswer } from './hidden-channel.ts';
import { PausedRequests, withoutIdentityHeaders } from './identity-headers.ts';
import { SessionBindings } from './session-bindings.ts';
import { SessionContexts } from './session-contexts.ts';

/** Console messages kept for a document whose context is not known yet; those that come after them are lost. */
const MOST_WAITING = 200;

/** What becomes of a command: sent on with these parameters, answered here, refused, or answered later. */
export type Outcome =
  { readonly send: Params } | { readonly answer: Params } | { readonly error: string } | { readonly later: true };

/** Answers a command whose outcome was `later`. */
type Respond = (outcome: { readonly result: Params } | { readonly error: unknown }) => void;

interface HiddenSessionDeps {
  readonly ask: (method: string, params: Params, onAnswer?: OnAnswer) => void;
  readonly tell: (method: string, params: Params) => void;
  readonly traces: DriverTraces;
  /** A part of a command contradicts the identity, and was left out. */
  readonly onIgnored: (method: string) => void;
}

const DONE: Outcome = { answer: {} };

function isObject(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * One CDP session of a client (a page, a frame, a worker), as the client sees it against what the browser knows of it.
 *
 * What the client has switched on is kept here and in part only here: `Runtime` never is in the browser; `Console` is on there while
 * either of both domains is on for the client; `Page` from the moment contexts are followed. Events of a domain that the client
 * has not switched on do not reach it.
 */
export class HiddenSession {
  readonly #deps: HiddenSessionDeps;
  readonly #contexts: SessionContexts;
  readonly #bindings: SessionBindings;
  readonly #paused = new PausedRequests();
  #hasRuntime = false;
  #hasConsole = false;
  #hasPage = false;
  #waiting: ConsoleMessage[] = [];

  readonly #handlers: Readonly<Record<string, (params: Params, respond: Respond) => Outcome>> = {
    'Runtime.enable': () => this.#enableRuntime(),
    'Runtime.disable': () => this.#disableRuntime(),
    'Console.enable': (params) => {
      this.#hasConsole = true;
      return { send: params };
    },
    'Console.disable': (params) => {
      this.#hasConsole = false;
      return this.#hasRuntime ? DONE : { send: params };
    },
    'Page.enable': (params) => {
      this.#hasPage = true;
      return { send: params };
    },
    'Page.disable': (params) => {
      this.#hasPage = false;
      return this.#contexts.isFollowing ? DONE : { send: params };
    },
    'Page.addScriptToEvaluateOnLoad': (params) => this.#clean(params, 'scriptSource'),
    'Page.addScriptToEvaluateOnNewDocument': (params) => {
      const { worldName } = params;
      if (typeof worldName === 'string' && worldName !== '') this.#contexts.addWorld(worldName);
      return this.#clean(params, 'source');
    },
    'Page.reload': (params) => this.#clean(params, 'scriptToEvaluateOnLoad'),
    'Page.createIsolatedWorld': (params, respond) => this.#createWorld(params, respond),
    'Runtime.compileScript': (params) => this.#clean(params, 'expression'),
    'Runtime.evaluate': (params) => this.#evaluate(params),
    'Runtime.callFunctionOn': (params) => this.#callFunction(params),
    'Runtime.addBinding': (params) => this.#addBinding(params),
    'Runtime.removeBinding': (params) => ({ send: this.#bindings.remove(params) }),
    'Network.setExtraHTTPHeaders': (params) => this.#setHeaders(params),
    'Fetch.continueRequest': (params) => this.#continueRequest(params),
  };

  /** `targetId` is that of the session's target, where it is known. */
  constructor(deps: HiddenSessionDeps, targetId: string | undefined) {
    this.#deps = deps;
    const { ask, tell, traces } = deps;
    this.#bindings = new SessionBindings({ ask, traces });
    this.#contexts = new SessionContexts(
      {
        ask,
        tell,
        onContext: (context) => {
          this.#bindings.addTo(context);
          if (context.world === undefined) this.#tellWaiting();
        },
      },
      targetId,
    );
  }

  /** Whether events of the Page domain come that the client has not asked for. */
  get hidesPageEvents(): boolean {
    return this.#contexts.isFollowing && !this.#hasPage;
  }

  /** Decides over a command of the client. `respond` is only called, and then once, when the outcome is `later`. */
  handle(method: string, params: Params, respond: Respond): Outcome {
    return this.#handlers[method]?.(params, respond) ?? { send: params };
  }

  /** Takes an event of the browser; `pass` hands it to the client as it is, and is called at most once. */
  receive(method: string, params: Params, pass: () => void): void {
    if (method.startsWith('Page.')) this.#receivePageEvent(method, params, () => this.hidesPageEvents || pass());
    else if (method === 'Console.messageAdded') this.#receiveMessage(params, pass);
    else {
      pass();
      if (method === 'Fetch.requestPaused') this.#paused.note(params['requestId'], params['request']);
      else if (method === 'Inspector.targetReloadedAfterCrash') this.#contexts.restart();
    }
  }

  #receivePageEvent(method: string, params: Params, pass: () => void): void {
    switch (method) {
      case 'Page.frameNavigated': {
        const { frame, type } = params;
        const after = isObject(frame) ? this.#contexts.frameNavigated(frame, type) : undefined;
        pass();
        after?.();
        return;
      }
      case 'Page.frameAttached':
        pass();
        this.#contexts.frameAttached(params['frameId']);
        return;
      case 'Page.frameDetached':
        this.#contexts.frameDetached(params['frameId']);
        pass();
        return;
      default:
        pass();
    }
  }

  #receiveMessage(params: Params, pass: () => void): void {
    const message = this.#hasRuntime ? readConsoleMessage(params) : undefined;
    if (message !== undefined && this.#waiting.length < MOST_WAITING) this.#waiting.push(message);
    this.#tellWaiting();
    if (this.#hasConsole) pass();
  }

  /** Tells of console messages, as soon as there is a context they can be said to come from. */
  #tellWaiting(): void {
    if (this.#contexts.findMainWorld(undefined) === undefined) return;
    for (const message of this.#waiting.splice(0)) {
      const context = this.#contexts.findMainWorld(message.url) ?? 0;
      this.#deps.tell('Runtime.consoleAPICalled', toConsoleCall(message, context, Date.now()));
    }
  }

  #follow(): void {
    if (this.#contexts.isFollowing) return;
    if (!this.#hasPage) this.#deps.ask('Page.enable', {});
    this.#contexts.follow();
  }

  #enableRuntime(): Outcome {
    if (this.#hasRuntime) return DONE;
    this.#hasRuntime = true;
    this.#follow();
    this.#contexts.startTelling();
    this.#deps.ask('Console.enable', {});
    return DONE;
  }

  #disableRuntime(): Outcome {
    if (!this.#hasRuntime) return DONE;
    this.#hasRuntime = false;
    this.#waiting = [];
    this.#contexts.stopTelling();
    if (!this.#hasConsole) this.#deps.ask('Console.disable', {});
    return DONE;
  }

  #clean(params: Params, key: string): Outcome {
    const script = params[key];
    return { send: typeof script === 'string' ? { ...params, [key]: this.#deps.traces.clean(script) } : params };
  }

  #createWorld(params: Params, respond: Respond): Outcome {
    const { frameId, worldName } = params;
    this.#deps.ask('Page.createIsolatedWorld', params, (result, error) => {
      if (result === undefined) {
        respond({ error });
        return;
      }
      const id = result['executionContextId'];
      if (typeof id === 'number' && typeof frameId === 'string') {
        this.#contexts.addContext(frameId, id, typeof worldName === 'string' ? worldName : '');
      }
      respond({ result });
    });
    return { later: true };
  }

  #evaluate(params: Params): Outcome {
    const named = this.#withContextId(params, 'contextId');
    return named === undefined ? { error: 'uniqueContextId not found' } : this.#clean(named, 'expression');
  }

  #callFunction(params: Params): Outcome {
    const named = this.#withContextId(params, 'executionContextId');
    if (named === undefined) return { error: 'uniqueContextId not found' };
    const given = Array.isArray(named['arguments']) ? (named['arguments'] as readonly unknown[]) : undefined;
    if (given === undefined) return this.#clean(named, 'functionDeclaration');
    const values = given.map((each) => (isObject(each) ? each['value'] : undefined));
    if (callsForInternalBinding(values) && this.#contexts.isMainWorld(named['executionContextId'])) {
      return { answer: { result: { type: 'undefined' } } };
    }
    const { traces } = this.#deps;
    const cleaned = given.map((each) =>
      isObject(each) && 'value' in each ? { ...each, value: traces.cleanArgument(each['value']) } : each,
    );
    return this.#clean({ ...named, arguments: cleaned }, 'functionDeclaration');
  }

  /** A unique id of ours means nothing to the browser: the plain one is put in its place. undefined: there is no such context. */
  #withContextId(params: Params, key: 'contextId' | 'executionContextId'): Params | undefined {
    const { uniqueContextId, ...others } = params;
    if (typeof uniqueContextId !== 'string') return params;
    const id = this.#contexts.findByUniqueId(uniqueContextId);
    return id === undefined ? undefined : { ...others, [key]: id };
  }

  #addBinding(params: Params): Outcome {
    const { name, executionContextId } = params;
    if (typeof name === 'string' && isInternalBinding(name) && this.#contexts.isMainWorld(executionContextId)) {
      return DONE;
    }
    this.#follow();
    return { send: this.#bindings.add(params) };
  }

  #setHeaders(params: Params): Outcome {
    const { headers } = params;
    if (!isObject(headers)) return { send: params };
    const kept = withoutIdentityHeaders(headers);
    if (Object.keys(kept).length < Object.keys(headers).length) this.#deps.onIgnored('Network.setExtraHTTPHeaders');
    return { send: { ...params, headers: kept } };
  }

  #continueRequest(params: Params): Outcome {
    const headers = this.#paused.mend(params['requestId'], params['headers']);
    if (headers === undefined) return { send: params };
    this.#deps.onIgnored('Fetch.continueRequest');
    return { send: { ...params, headers } };
  }
}
