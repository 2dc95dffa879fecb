import type { PageVoice, RealmConfig } from './realm-config.ts';

/*
 * What runs in every realm of a browser before any script of its page. These functions are never called here: their source is put
 * together into one script (`realm-script.ts`), so they use nothing but their parameters, each other and the globals of a page.
 *
 * Whatever is replaced stays the native function behind a proxy, so that what V8 says of it (its name, its length, the messages
 * of its errors) stays native too. Only `Function.prototype.toString` has to be told of the proxies, by a registry that realms
 * of one origin share: each asks the windows around it by an event that has a random name and that nobody else listens to.
 * Everything used later is taken from the realm now, since a page may replace all of it.
 */

type Native = (...args: readonly unknown[]) => unknown;
type Dictionary = Record<string, unknown>;

/** What a proxy stands for, and what `toString` says of it. */
interface Disguise {
  readonly native: object;
  readonly text: string;
}

type Registry = WeakMap<object, Disguise>;

/** Called in place of a native function; `callNative` has its errors look as if nobody had stood between. */
type Substitute = (self: unknown, args: readonly unknown[], callNative: () => unknown) => unknown;

interface Toolkit {
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

/** The registry of the realms around, a new one, or undefined in a realm that has been here before. */
export function joinRegistry({ eventName }: RealmConfig): Registry | undefined {
  const realm = globalThis as unknown as Dictionary & EventTarget;
  const dispatchEvent = methodOf(EventTarget.prototype, 'dispatchEvent');
  const addEventListener = methodOf(EventTarget.prototype, 'addEventListener');
  const { apply } = Reflect;
  const ask = (target: unknown): Registry | undefined => {
    const answer: { registry?: Registry } = {};
    try {
      apply(dispatchEvent, target, [new CustomEvent(eventName, { detail: answer })]);
    } catch {
      // A window of another origin does not take events.
    }
    return answer.registry;
  };
  if (ask(realm) !== undefined) return undefined;
  let registry: Registry | undefined;
  for (const name of ['parent', 'top', 'opener']) {
    const other = realm[name];
    if (registry === undefined && other !== undefined && other !== null && other !== realm) registry = ask(other);
  }
  const known = registry ?? new WeakMap<object, Disguise>();
  const answer = (event: CustomEvent<{ registry?: Registry }>): void => {
    event.stopImmediatePropagation();
    event.detail.registry = known;
  };
  apply(addEventListener, realm, [eventName, answer, true]);
  return known;
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
export function makeToolkit(registry: Registry, config: RealmConfig): Toolkit {
  const { apply, defineProperty, getOwnPropertyDescriptor, setPrototypeOf } = Reflect;
  const get = methodOf(WeakMap.prototype, 'get');
  const set = methodOf(WeakMap.prototype, 'set');
  const toString = methodOf(Function.prototype, 'toString');
  const RealmProxy = Proxy;
  const clean = makeCleaner(config);
  const call: Toolkit['call'] = (native, self, args = []) => apply(native, self, args);
  const disguiseOf: Toolkit['disguiseOf'] = (value) => apply(get, registry, [value]) as Disguise | undefined;
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
    apply(set, registry, [proxy, { native, text: apply(toString, native, []) as string }]);
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
    call,
    disguiseOf,
    clean,
    fake,
    replaceMethod: replacer('value'),
    replaceGetter: replacer('get'),
    replaceSetter: replacer('set'),
  };
}

/** Names the graphics card. Decides by what the native function returned, so that whatever it makes of its arguments stays its own. */
export function patchGpu(toolkit: Toolkit, realm: Dictionary, gpu: NonNullable<RealmConfig['gpu']>): boolean {
  const startsWith = methodOf(String.prototype, 'startsWith');
  const begins = (text: string, start: string): boolean => toolkit.call(startsWith, text, [start]) === true;
  const contexts = ['WebGLRenderingContext', 'WebGL2RenderingContext'].filter((name) => name in realm);
  for (const name of contexts) {
    const { prototype } = realm[name] as { prototype: object };
    toolkit.replaceMethod(prototype, 'getParameter', (_self, _args, callNative) => {
      const value = callNative();
      if (typeof value !== 'string') return value;
      if (begins(value, 'ANGLE (')) return gpu.renderer;
      return begins(value, 'Google Inc.') ? gpu.vendor : value;
    });
  }
  return contexts.length > 0;
}

/** Has some getters of a prototype give another value. */
export function patchGetters(
  toolkit: Toolkit,
  prototype: object,
  { names, value }: { readonly names: readonly string[]; readonly value: unknown },
): boolean {
  for (const name of names) {
    toolkit.replaceGetter(prototype, name, (_self, _args, callNative) => {
      // Of anything that is no such object it throws.
      callNative();
      return value;
    });
  }
  return true;
}

/** Gives the realm voices, and lets utterances have them. */
export function patchVoices(toolkit: Toolkit, realm: Dictionary, voices: readonly PageVoice[]): boolean {
  const prototypeOf = (name: string): object | undefined =>
    (realm[name] as { prototype: object } | undefined)?.prototype;
  const synthesis = prototypeOf('SpeechSynthesis');
  const voicePrototype = prototypeOf('SpeechSynthesisVoice');
  const utterance = prototypeOf('SpeechSynthesisUtterance');
  if (synthesis === undefined || voicePrototype === undefined || utterance === undefined) return false;
  const { create } = Object;
  const get = methodOf(WeakMap.prototype, 'get');
  const set = methodOf(WeakMap.prototype, 'set');
  const facts = new WeakMap<object, PageVoice>();
  const chosen = new WeakMap<object, unknown>();
  const look = (map: WeakMap<object, unknown>, key: unknown): unknown => toolkit.call(get, map, [key]);
  let list: object[] | undefined;
  const makeList = (): object[] => {
    const made: object[] = [];
    for (let index = 0; index < voices.length; index += 1) {
      const voice = create(voicePrototype) as object;
      toolkit.call(set, facts, [voice, voices[index]]);
      made[index] = voice;
    }
    return made;
  };
  for (const name of ['voiceURI', 'name', 'lang', 'localService', 'default'] as const) {
    toolkit.replaceGetter(voicePrototype, name, (self, _args, callNative) => {
      const voice = look(facts, self) as PageVoice | undefined;
      return voice === undefined ? callNative() : voice[name];
    });
  }
  toolkit.replaceMethod(synthesis, 'getVoices', (_self, _args, callNative) => {
    const result = callNative() as unknown[];
    list ??= makeList();
    for (let index = 0; index < list.length; index += 1) result[index] = list[index];
    return result;
  });
  toolkit.replaceGetter(utterance, 'voice', (self, _args, callNative) => look(chosen, self) ?? callNative());
  toolkit.replaceSetter(utterance, 'voice', (self, args, callNative) => {
    const isOurs = look(facts, args[0]) !== undefined;
    if (!isOurs) callNative();
    toolkit.call(set, chosen, [self, isOurs ? args[0] : undefined]);
    return undefined;
  });
  return true;
}

/**
 * Has sharing end as if its dialog had been closed. The native function is not called while the page has been clicked on lately: that
 * is when it would get as far as the dialog there is none of, and crash.
 */
export function patchShare(toolkit: Toolkit, realm: Dictionary): boolean {
  const { prototype } = (realm['Navigator'] ?? {}) as { prototype?: Dictionary };
  const activation = (realm['UserActivation'] as { prototype: object } | undefined)?.prototype;
  if (prototype === undefined || activation === undefined || !('share' in prototype)) return false;
  const { getOwnPropertyDescriptor } = Reflect;
  const {
    setTimeout: wait,
    DOMException: RealmException,
    Promise: RealmPromise,
    TypeError: RealmTypeError,
  } = globalThis;
  const { random } = Math;
  const readActivation = getOwnPropertyDescriptor(prototype, 'userActivation')?.get as Native;
  const readIsActive = getOwnPropertyDescriptor(activation, 'isActive')?.get as Native;
  const canShare = getOwnPropertyDescriptor(prototype, 'canShare')?.value as Native;
  const isActive = (self: unknown): boolean => {
    try {
      return toolkit.call(readIsActive, toolkit.call(readActivation, self)) === true;
    } catch {
      // No navigator: the native function says so.
      return false;
    }
  };
  const refuse = (error: unknown, delayMs: number): unknown =>
    new RealmPromise((_resolve, reject) => void wait(() => reject(toolkit.clean(error) as Error), delayMs));
  toolkit.replaceMethod(prototype, 'share', (self, args, callNative) => {
    if (!isActive(self)) return callNative();
    if (toolkit.call(canShare, self, args) === true) {
      return refuse(new RealmException('Share canceled', 'AbortError'), 1_500 + random() * 3_000);
    }
    const why =
      'No known share data fields supplied. If using only new fields (other than title, text and url), you must feature-detect them first.';
    return refuse(new RealmTypeError(`Failed to execute 'share' on 'Navigator': ${why}`), 0);
  });
  return true;
}

/** Has `toString` print the natives' own text for what stands in their place, itself included. */
export function patchToString({ call, disguiseOf, clean, fake }: Toolkit): void {
  const { getPrototypeOf, defineProperty, getOwnPropertyDescriptor } = Reflect;
  const { prototype } = Function;
  const descriptor = getOwnPropertyDescriptor(prototype, 'toString');
  const native = descriptor?.value as Native;
  const inheritsDisguise = (value: unknown): boolean => {
    try {
      const parent = typeof value === 'object' && value !== null ? getPrototypeOf(value) : null;
      return parent !== null && disguiseOf(parent) !== undefined;
    } catch {
      return false;
    }
  };
  const substitute: Substitute = (self, args) => {
    const disguise = typeof self === 'function' ? disguiseOf(self) : undefined;
    if (disguise !== undefined) return disguise.text;
    try {
      return call(native, self, args);
    } catch (error) {
      throw clean(error, inheritsDisguise(self)) as Error;
    }
  };
  defineProperty(prototype, 'toString', { ...descriptor, value: fake(native, substitute) });
}

/** Puts everything in place in this realm, once. */
export function patchRealm(config: RealmConfig): void {
  const realm = globalThis as unknown as Dictionary;
  const registry = joinRegistry(config);
  if (registry === undefined) return;
  const toolkit = makeToolkit(registry, config);
  const prototypeOf = (name: string): object | undefined =>
    (realm[name] as { prototype: object } | undefined)?.prototype;
  const patched: boolean[] = [];
  const workerNavigator = prototypeOf('WorkerNavigator');
  const screen = prototypeOf('Screen');
  if (config.gpu !== undefined) patched.push(patchGpu(toolkit, realm, config.gpu));
  if (config.workerPlatform !== undefined && workerNavigator !== undefined) {
    patched.push(patchGetters(toolkit, workerNavigator, { names: ['platform'], value: config.workerPlatform }));
  }
  if (config.colorDepth !== undefined && screen !== undefined) {
    patched.push(patchGetters(toolkit, screen, { names: ['colorDepth', 'pixelDepth'], value: config.colorDepth }));
  }
  if (config.voices !== undefined) patched.push(patchVoices(toolkit, realm, config.voices));
  if (config.sharing) patched.push(patchShare(toolkit, realm));
  if (patched.includes(true)) patchToString(toolkit);
}
