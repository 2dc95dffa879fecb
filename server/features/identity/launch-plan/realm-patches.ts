import type { PageVoice, RealmConfig } from './realm-config.ts';
import type { Dictionary, Native, Substitute, Toolkit } from './realm-toolkit.ts';

/*
 * The patches of `realm-script.ts`; `realm-toolkit.ts` says how they are written.
 */

/** Names the graphics card. Decides by what the native function returned, so that whatever it makes of its arguments stays its own. */
export function patchGpu(toolkit: Toolkit, realm: Dictionary, gpu: NonNullable<RealmConfig['gpu']>): boolean {
  const startsWith = toolkit.methodOf(String.prototype, 'startsWith');
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
  const get = toolkit.methodOf(WeakMap.prototype, 'get');
  const set = toolkit.methodOf(WeakMap.prototype, 'set');
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

/**
 * Gives a window that another has opened the `chrome.app` of that one. Running before such a window knows its opener has this script
 * make what Chrome itself makes later, and the document that follows keeps it: without `app`, which only pages with an address get.
 */
export function lendChromeApp(realm: Dictionary): void {
  const { getOwnPropertyDescriptor, defineProperty, ownKeys } = Reflect;
  try {
    const { chrome, opener } = realm as { chrome?: Dictionary; opener?: { chrome?: Dictionary } | null };
    const lent = opener?.chrome?.['app'];
    if (chrome === undefined || 'app' in chrome || typeof lent !== 'object' || lent === null) return;
    const app = {};
    for (const key of ownKeys(lent)) {
      defineProperty(app, key, getOwnPropertyDescriptor(lent, key) as PropertyDescriptor);
    }
    chrome['app'] = app;
  } catch {
    // An opener of another origin: its windows have what is theirs.
  }
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

/** Puts everything in place in this realm. */
export function patchRealm(toolkit: Toolkit, config: RealmConfig): void {
  const realm = globalThis as unknown as Dictionary;
  const prototypeOf = (name: string): object | undefined =>
    (realm[name] as { prototype: object } | undefined)?.prototype;
  const patched: boolean[] = [];
  lendChromeApp(realm);
  const navigator = prototypeOf('Navigator') ?? prototypeOf('WorkerNavigator');
  const screen = prototypeOf('Screen');
  if (config.gpu !== undefined) patched.push(patchGpu(toolkit, realm, config.gpu));
  if (config.platform !== undefined && navigator !== undefined) {
    patched.push(patchGetters(toolkit, navigator, { names: ['platform'], value: config.platform }));
  }
  if (config.colorDepth !== undefined && screen !== undefined) {
    patched.push(patchGetters(toolkit, screen, { names: ['colorDepth', 'pixelDepth'], value: config.colorDepth }));
  }
  if (config.voices !== undefined) patched.push(patchVoices(toolkit, realm, config.voices));
  if (config.sharing) patched.push(patchShare(toolkit, realm));
  if (patched.includes(true)) patchToString(toolkit);
}
