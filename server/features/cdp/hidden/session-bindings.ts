import type { Params } from '../command-checks.ts';
import type { DriverTraces } from './driver-traces.ts';
import type { OnAnswer } from './hidden-channel.ts';
import { hiddenGlobals } from './hidden-globals.ts';

/** Most bindings that are kept in mind, and how long their names may be; what is beyond is in the documents there are, and in no others. */
const MOST_BINDINGS = 200;
const LONGEST_NAME = 500;

interface SessionBindingsDeps {
  readonly ask: (method: string, params: Params, onAnswer?: OnAnswer) => void;
  readonly traces: DriverTraces;
}

/** The part of a context that decides whether a binding is in it. */
interface BindingContext {
  readonly id: number;
  readonly world: string | undefined;
}

/**
 * The bindings a client has in the pages of one CDP session.
 *
 * Those of all contexts, or of all worlds of a name, have to be put into each new context here: without `Runtime.enable` the
 * browser does not do it. In main worlds they are kept from being enumerated.
 */
export class SessionBindings {
  readonly #deps: SessionBindingsDeps;
  /** By name in the page: the worlds it is in; undefined for all. */
  readonly #worlds = new Map<string, string | undefined>();
  /** Of the script that hides one, by name in the page; removed with it. */
  readonly #scripts = new Map<string, string>();

  constructor(deps: SessionBindingsDeps) {
    this.#deps = deps;
  }

  /** Prepares for a binding; returns the parameters of the command that makes it. */
  add(params: Params): Params {
    const { name, executionContextId, executionContextName } = params;
    if (typeof name !== 'string') return params;
    const { traces } = this.#deps;
    const alias = traces.bindingName(name);
    const isEverywhere = executionContextId === undefined && executionContextName === undefined;
    const isKnown = this.#worlds.has(alias);
    if (!isKnown && (this.#worlds.size >= MOST_BINDINGS || alias.length > LONGEST_NAME))
      return { ...params, name: alias };
    if (isEverywhere && !isKnown) this.#hide(alias);
    if (isEverywhere) this.#worlds.set(alias, undefined);
    else if (typeof executionContextName === 'string') this.#worlds.set(alias, executionContextName);
    return { ...params, name: alias };
  }

  /** As `add`, for the command that removes one. */
  remove(params: Params): Params {
    const { name } = params;
    if (typeof name !== 'string') return params;
    const alias = this.#deps.traces.bindingName(name);
    const identifier = this.#scripts.get(alias);
    this.#worlds.delete(alias);
    this.#scripts.delete(alias);
    if (identifier !== undefined) this.#deps.ask('Page.removeScriptToEvaluateOnNewDocument', { identifier });
    return { ...params, name: alias };
  }

  /** Puts the bindings into a new context that belong there. */
  addTo({ id, world }: BindingContext): void {
    for (const [name, bound] of this.#worlds) {
      if (bound === undefined || bound === world)
        this.#deps.ask('Runtime.addBinding', { name, executionContextId: id });
    }
  }

  #hide(alias: string): void {
    const source = hiddenGlobals([alias], [this.#deps.traces.controllerAlias]);
    // At once: in the documents there are, the script has to come before the binding.
    this.#deps.ask('Page.addScriptToEvaluateOnNewDocument', { source, runImmediately: true }, (result) => {
      const identifier = result?.['identifier'];
      if (typeof identifier !== 'string') return;
      if (this.#worlds.has(alias)) this.#scripts.set(alias, identifier);
      else this.#deps.ask('Page.removeScriptToEvaluateOnNewDocument', { identifier });
    });
  }
}
