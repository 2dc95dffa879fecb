import { setTimeout as sleep } from 'node:timers/promises';

import type { Input, InputAction, InputResult } from '@guise/contract';

import { AppError } from '../../lib/app-error.ts';
import type { CdpSession } from '../cdp-connection.ts';
import { holdMs, keyGapMs, planPath, planWheel, type Point, pointWithin, type Random } from './human-pace.ts';
import { findKey, type Key, MODIFIERS } from './keyboard-layout.ts';

/** The page that is acted on. */
interface InputPage {
  readonly session: CdpSession;
  isolatedContext(signal: AbortSignal): Promise<number>;
  /** Is called before a click that may open another page. */
  expectPage(): void;
}

type MouseButton = NonNullable<InputAction['button']>;
type Modifier = keyof typeof MODIFIERS;
type Handler = (action: InputAction, isHuman: boolean, signal: AbortSignal) => Promise<void>;
type Box = Point & { readonly width: number; readonly height: number };

const BUTTON_BITS: Readonly<Record<MouseButton, number>> = { left: 1, right: 2, middle: 4 };

/** Runs in an isolated world; gives the part of the element that is in view, or null. */
const SHOW_ELEMENT = `(selector) => {
  const element = document.querySelector(selector);
  if (element === null) return null;
  const visible = () => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    const [x, y] = [Math.max(left, 0), Math.max(top, 0)];
    return { x, y, width: Math.min(right, innerWidth) - x, height: Math.min(bottom, innerHeight) - y };
  };
  const { width, height } = visible();
  if (width < 2 || height < 2) element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
  return visible();
}`;

/** Waits; an abort rejects with the signal's own reason, which a timer would hide. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}

/**
 * The mouse, keyboard and touch screen of one page.
 *
 * It remembers where the pointer is. What is held down at an abort is let go, so that no later action finds a key or a button
 * pressed.
 */
export class PageInput {
  readonly #page: InputPage;
  readonly #random: Random;
  #pointer: Point = { x: 0, y: 0 };
  #buttons = 0;
  readonly #held = new Set<Key>();
  #modifiers = 0;

  constructor(page: InputPage, random: Random = Math.random) {
    this.#page = page;
    this.#random = random;
  }

  /** Does one action after another. @throws {AppError} ELEMENT_NOT_FOUND */
  async perform({ actions, pace = 'instant' }: Input, signal: AbortSignal): Promise<InputResult> {
    const startedAt = performance.now();
    const isHuman = pace === 'human';
    try {
      for (const action of actions) await this.#handlers[action.type](action, isHuman, signal);
    } catch (error) {
      await this.#letGo();
      throw error;
    }
    return { pointer: this.#pointer, durationMs: Math.round(performance.now() - startedAt) };
  }

  readonly #handlers: Readonly<Record<InputAction['type'], Handler>> = {
    move: (action, isHuman, signal) => this.#goTo(action, isHuman, signal),
    click: (action, isHuman, signal) => this.#click(action, isHuman, signal),
    down: ({ button = 'left' }, _, signal) => this.#press(button, { isDown: true, clickCount: 1 }, signal),
    up: ({ button = 'left' }, _, signal) => this.#press(button, { isDown: false, clickCount: 1 }, signal),
    scroll: (action, isHuman, signal) => this.#scroll(action, isHuman, signal),
    tap: (action, isHuman, signal) => this.#tap(action, isHuman, signal),
    type: (action, isHuman, signal) => this.#type(action, isHuman, signal),
    key: (action, isHuman, signal) => this.#strike(action, isHuman, signal),
    wait: ({ ms = 0 }, _, signal) => pause(ms, signal),
  };

  /** Where an action is to happen; undefined: where the pointer is. */
  async #locate({ x, y, selector }: InputAction, isHuman: boolean, signal: AbortSignal): Promise<Point | undefined> {
    if (selector === undefined) return x === undefined || y === undefined ? undefined : { x, y };
    const contextId = await this.#page.isolatedContext(signal);
    const expression = `(${SHOW_ELEMENT})(${JSON.stringify(selector)})`;
    const { result, exceptionDetails } = await this.#page.session.send(
      'Runtime.evaluate',
      { expression, contextId, returnByValue: true },
      signal,
    );
    if (exceptionDetails !== undefined) throw new AppError('ELEMENT_NOT_FOUND', `${selector} is not a CSS selector`);
    const box = result.value as Box | null;
    if (box === null) throw new AppError('ELEMENT_NOT_FOUND', `Nothing on the page matches ${selector}`);
    if (box.width <= 0 || box.height <= 0) throw new AppError('ELEMENT_NOT_FOUND', `${selector} cannot be seen`);
    return pointWithin(box, isHuman ? this.#random : () => 0.5);
  }

  async #goTo(action: InputAction, isHuman: boolean, signal: AbortSignal): Promise<void> {
    const to = await this.#locate(action, isHuman, signal);
    if (to === undefined) return;
    const path = isHuman ? planPath(this.#pointer, to, this.#random) : [{ ...to, delayMs: 0 }];
    for (const { x, y, delayMs } of path) {
      if (delayMs > 0) await pause(delayMs, signal);
      this.#pointer = { x, y };
      await this.#sendMouse({ type: 'mouseMoved', button: 'none' }, signal);
    }
  }

  async #click(action: InputAction, isHuman: boolean, signal: AbortSignal): Promise<void> {
    const { button = 'left', clickCount: times = 1 } = action;
    await this.#goTo(action, isHuman, signal);
    for (let clickCount = 1; clickCount <= times; clickCount += 1) {
      await this.#press(button, { isDown: true, clickCount }, signal);
      await this.#pause(isHuman, holdMs, signal);
      await this.#press(button, { isDown: false, clickCount }, signal);
      if (clickCount < times) await this.#pause(isHuman, holdMs, signal);
    }
  }

  async #press(
    button: MouseButton,
    { isDown, clickCount }: { readonly isDown: boolean; readonly clickCount: number },
    signal: AbortSignal,
  ): Promise<void> {
    const bit = BUTTON_BITS[button];
    this.#buttons = isDown ? this.#buttons | bit : this.#buttons & ~bit;
    // Only a click with the middle button opens links in tabs: actions of the mouse have no modifiers.
    if (!isDown && button === 'middle') this.#page.expectPage();
    await this.#sendMouse({ type: isDown ? 'mousePressed' : 'mouseReleased', button, clickCount }, signal);
  }

  async #scroll(action: InputAction, isHuman: boolean, signal: AbortSignal): Promise<void> {
    await this.#goTo(action, isHuman, signal);
    const delta = { x: action.deltaX ?? 0, y: action.deltaY ?? 0 };
    for (const turn of isHuman ? planWheel(delta, this.#random) : [{ delta, delayMs: 0 }]) {
      if (turn.delayMs > 0) await pause(turn.delayMs, signal);
      const { x: deltaX, y: deltaY } = turn.delta;
      await this.#sendMouse({ type: 'mouseWheel', button: 'none', deltaX, deltaY }, signal);
    }
  }

  async #tap(action: InputAction, isHuman: boolean, signal: AbortSignal): Promise<void> {
    const { session } = this.#page;
    const point = (await this.#locate(action, isHuman, signal)) ?? this.#pointer;
    const modifiers = this.#modifiers;
    await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [point], modifiers }, signal);
    await this.#pause(isHuman, holdMs, signal);
    await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [], modifiers }, signal);
  }

  async #type(action: InputAction, isHuman: boolean, signal: AbortSignal): Promise<void> {
    if (action.selector !== undefined) await this.#click(action, isHuman, signal);
    let previous: string | undefined;
    for (const character of action.text ?? '') {
      await this.#pause(isHuman, (random) => keyGapMs(previous, random), signal);
      const key = findKey(character);
      // What no key types comes as from an input method.
      if (key === undefined) await this.#page.session.send('Input.insertText', { text: character }, signal);
      else await this.#strikeKey(key, key.isShifted === true ? ['Shift'] : [], { isHuman, signal });
      previous = character;
    }
  }

  async #strike({ key: name = '', modifiers = [] }: InputAction, isHuman: boolean, signal: AbortSignal): Promise<void> {
    const key = findKey(name);
    if (key === undefined) throw new AppError('VALIDATION_FAILED', `There is no key ${name}`);
    const all: readonly Modifier[] =
      key.isShifted === true ? [...new Set<Modifier>([...modifiers, 'Shift'])] : modifiers;
    await this.#strikeKey(key, all, { isHuman, signal });
  }

  async #strikeKey(
    key: Key,
    modifiers: readonly Modifier[],
    { isHuman, signal }: { readonly isHuman: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    for (const name of modifiers) await this.#sendKey(MODIFIERS[name].key, true, signal);
    await this.#sendKey(key, true, signal);
    await this.#pause(isHuman, holdMs, signal);
    await this.#sendKey(key, false, signal);
    for (const name of modifiers.toReversed()) await this.#sendKey(MODIFIERS[name].key, false, signal);
  }

  async #sendKey(key: Key, isDown: boolean, signal: AbortSignal): Promise<void> {
    const bit = Object.values(MODIFIERS).find((each) => each.key === key)?.bit ?? 0;
    this.#modifiers = isDown ? this.#modifiers | bit : this.#modifiers & ~bit;
    if (isDown) this.#held.add(key);
    else this.#held.delete(key);
    // With Control, Alt or Meta a key is a command and types nothing.
    const types = isDown && (this.#modifiers & ~MODIFIERS.Shift.bit) === 0 ? key.text : undefined;
    await this.#page.session.send(
      'Input.dispatchKeyEvent',
      {
        type: isDown ? (types === undefined ? 'rawKeyDown' : 'keyDown') : 'keyUp',
        key: key.key,
        code: key.code,
        windowsVirtualKeyCode: key.keyCode,
        modifiers: this.#modifiers,
        ...(types !== undefined && { text: types }),
      },
      signal,
    );
  }

  async #sendMouse(
    event: {
      readonly type: 'mouseMoved' | 'mousePressed' | 'mouseReleased' | 'mouseWheel';
      readonly button: MouseButton | 'none';
      readonly clickCount?: number;
      readonly deltaX?: number;
      readonly deltaY?: number;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const state = { ...this.#pointer, buttons: this.#buttons, modifiers: this.#modifiers };
    await this.#page.session.send('Input.dispatchMouseEvent', { ...event, ...state }, signal);
  }

  async #pause(isHuman: boolean, howLong: (random: Random) => number, signal: AbortSignal): Promise<void> {
    if (isHuman) await pause(howLong(this.#random), signal);
  }

  /** Never rejects: the page may be what failed. */
  async #letGo(): Promise<void> {
    const signal = AbortSignal.timeout(1_000);
    const buttons = (Object.keys(BUTTON_BITS) as MouseButton[]).filter((each) => this.#buttons & BUTTON_BITS[each]);
    const released = [
      ...buttons.map((each) => this.#press(each, { isDown: false, clickCount: 1 }, signal)),
      ...[...this.#held].map((each) => this.#sendKey(each, false, signal)),
    ];
    await Promise.allSettled(released);
  }
}
