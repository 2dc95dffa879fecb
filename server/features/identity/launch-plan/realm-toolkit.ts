import type { RealmConfig } from './realm-config.ts';

/*
 * What runs in every realm of a browser before any script of its page. These functions are never called here: their source is put
 * together into one script (`realm-script.ts`), so they use nothing but their parameters, each other and the globals of a page.
 *
 * Whatever is replaced stays the native function behind a proxy, so that what V8 says of it (its name, its length, the messages
 * of its errors) stays native too. Only `Function.prototype.toString` has to be told of the proxies, by a registry that realms
 * of one origin share: each asks the windows around it by an event that has a random name and that nobody else listens to.
 * Everything used later is taken from the realm now, since a page may replace all of it.
 */

export type Native = (...args: readonly unknown[]) => unknown;
export type Dictionary = Record<string, unknown>;

/** What a proxy stands for, and what `toString` says of it. */
interface Disguise {
  readonly native: object;
  readonly text: string;
}

type Registry = WeakMap<object, Disguise>;

/** A realm's registry, with what the realm itself has put there. */
interface SharedRegistry {
  registry: Registry;
  readonly entries: { readonly proxy: object; readonly disguise: Disguise }[];
}

/** Called in place of a native function; `callNative` has its errors look as if nobody had stood between. */
export type Substitute = (self: unknown, args: readonly unknown[], callNative: () => unknown) => unknown;

export interface Toolkit {
  readonly methodOf: typeof methodOf;
  readonly call: (native: Native, self: unknown, args?: readonly unknown[]) => unknown;
  readonly disguiseOf: (value: object) => Disguise | undefined;
  readonly clean: (error: unknown, isOfFunction?: boolean) => unknown;
  readonly fake: (native: Native, substitute: Substitute) => Native;
  readonly replaceMethod: (prototype: object, name: string, substitute: Substitute) => void;
  readonly replaceGetter: (prototype: object, name: string, substitute: Substitute) => void;
  readonly replaceSetter: (prototype: object, name: string, substitute: Substitute) => void;
}

/** A method, to be called with the receiver of the caller's choice. */
export function methodOf(prototype: object, name: string): Native {
  return (prototype as Dictionary)[name] as Native;
}

/** Asks a window, or this realm itself, for the registry it has. */
export function makeAsker(eventName: string): (target: unknown) => Registry | undefined {
  const { apply } = Reflect;
  const RealmEvent = CustomEvent;
  const dispatchEvent = methodOf(EventTarget.prototype, 'dispatchEvent');
  return (target) => {
    const answer: { registry?: Registry } = {};
    try {
      apply(dispatchEvent, target, [new RealmEvent(eventName, { detail: answer })]);
    } catch {
      // A window of another origin does not take events.
    }
    return answer.registry;
  };
}

/** The registry of the realms around, or a new one; undefined in a realm that has been here before. */
export function joinRegistry({ eventName }: RealmConfig): SharedRegistry | undefined {
  const realm = globalThis as unknown as Dictionary;
  const { apply } = Reflect;
  const set = methodOf(WeakMap.prototype, 'set');
  const ask = makeAsker(eventName);
  if (ask(realm) !== undefined) return undefined;
  const find = (): Registry | undefined => {
    let found: Registry | undefined;
    for (const name of ['parent', 'top', 'opener']) {
      const other = realm[name];
      if (found === undefined && other !== undefined && other !== null && other !== realm) found = ask(other);
    }
    return found;
  };
  const first = find();
  const shared: SharedRegistry = { entries: [], registry: first ?? new WeakMap<object, Disguise>() };
  const answer = (event: CustomEvent<{ registry?: Registry }>): void => {
    event.stopImmediatePropagation();
    event.detail.registry = shared.registry;
  };
  apply(methodOf(EventTarget.prototype, 'addEventListener'), realm, [eventName, answer, true]);
  const opener: unknown = realm['opener'];
  if (first !== undefined || opener === undefined || opener === null) return shared;
  // A window that opens another is halted until the other has been set up, and answers only then. A timer would leave a gap in
  // the numbers of the page's own.
  const { port1, port2 } = new MessageChannel();
  const joinLate = (): void => {
    port1.close();
    const late = find();
    if (late === undefined) return;
    for (const { proxy, disguise } of shared.entries) apply(set, late, [proxy, disguise]);
    shared.registry = late;
  };
  Object.assign(port1, { onmessage: joinLate });
  port2.postMessage(undefined);
  return shared;
}

/** Takes the script's own lines out of the stacks of errors. */
export function makeCleaner({ scriptName }: RealmConfig): Toolkit['clean'] {
  const { apply } = Reflect;
  const split = methodOf(String.prototype, 'split');
  const includes = methodOf(String.prototype, 'includes');
  const replace = methodOf(String.prototype, 'replace');
  const join = methodOf(Array.prototype, 'join');
  return (error, isOfFunction = false) => {
    try {
      const holder = error as { stack?: unknown };
      const { stack } = holder;
      if (typeof stack !== 'string') return error;
      const kept: string[] = [];
      for (const line of apply(split, stack, ['\n']) as string[]) {
        if (apply(includes, line, [scriptName]) !== true) kept[kept.length] = line;
      }
      const text = apply(join, kept, ['\n']) as string;
      // V8 names the receiver's class, which of a proxy is Object.
      holder.stack = isOfFunction ? apply(replace, text, ['at Object.toString (', 'at Function.toString (']) : text;
    } catch {
      // A page's own `stack` may do as it likes.
    }
    return error;
  };
}

/** A trap that refuses a prototype as V8 refuses one for the function behind the proxy. */
export function makePrototypeTrap(
  { disguiseOf, clean }: Pick<Toolkit, 'disguiseOf' | 'clean'>,
  self: () => object,
): (native: object, prototype: object | null) => boolean {
  const { apply, getPrototypeOf, setPrototypeOf } = Reflect;
  const includes = methodOf(String.prototype, 'includes');
  const RealmTypeError = TypeError;
  const isCyclic = (native: object, prototype: object | null): boolean => {
    let each = prototype;
    for (let depth = 0; each !== null && depth < 50; depth += 1) {
      if (each === self() || each === native) return true;
      each = getPrototypeOf(disguiseOf(each)?.native ?? each);
    }
    return false;
  };
  return (native, prototype) => {
    if (!isCyclic(native, prototype)) return setPrototypeOf(native, prototype);
    const error = new RealmTypeError('Cyclic __proto__ value');
    if (apply(includes, error.stack ?? '', ['at Reflect.setPrototypeOf (']) === true) return false;
    throw clean(error) as Error;
  };
}

/** The means of all that follows. */
export function makeToolkit(shared: SharedRegistry, config: RealmConfig): Toolkit {
  const { apply, defineProperty, getOwnPropertyDescriptor, setPrototypeOf } = Reflect;
  const get = methodOf(WeakMap.prototype, 'get');
  const set = methodOf(WeakMap.prototype, 'set');
  const toString = methodOf(Function.prototype, 'toString');
  const RealmProxy = Proxy;
  const clean = makeCleaner(config);
  const call: Toolkit['call'] = (native, self, args = []) => apply(native, self, args);
  const disguiseOf: Toolkit['disguiseOf'] = (value) => apply(get, shared.registry, [value]) as Disguise | undefined;
  const fake: Toolkit['fake'] = (native, substitute) => {
    const handler: ProxyHandler<Native> = {
      apply(target, self, args: unknown[]) {
        return substitute(self, args, () => {
          try {
            return apply(target, self, args);
          } catch (error) {
            throw clean(error) as Error;
          }
        });
      },
      setPrototypeOf: makePrototypeTrap({ disguiseOf, clean }, () => proxy),
    };
    // A page can give Object.prototype traps for what the handler does not trap.
    setPrototypeOf(handler, null);
    const proxy = new RealmProxy(native, handler);
    const disguise = { native, text: apply(toString, native, []) as string };
    apply(set, shared.registry, [proxy, disguise]);
    shared.entries[shared.entries.length] = { proxy, disguise };
    return proxy;
  };
  const replacer =
    (kind: 'value' | 'get' | 'set'): Toolkit['replaceMethod'] =>
    (prototype, name, substitute) => {
      const descriptor = getOwnPropertyDescriptor(prototype, name);
      const native: unknown = descriptor?.[kind];
      if (typeof native !== 'function') return;
      defineProperty(prototype, name, { ...descriptor, [kind]: fake(native as Native, substitute) });
    };
  return {
    methodOf,
    call,
    disguiseOf,
    clean,
    fake,
    replaceMethod: replacer('value'),
    replaceGetter: replacer('get'),
    replaceSetter: replacer('set'),
  };
}
