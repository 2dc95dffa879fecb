import type { Input, InputResult } from '@guise/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { openTestHost, PLAIN_BROWSER } from '../../testing/test-host.ts';
import { launchBrowser } from '../launch-browser.ts';
import type { Page } from '../page.ts';

/** Notes every event of mouse, keyboard, wheel and touch, and whether the page could tell it from a user's. */
const PAGE = `data:text/html,<!doctype html><meta charset=utf-8><body style="margin:0;height:4000px">
<input id=field style="position:absolute;left:400px;top:300px;width:200px;height:40px">
<button id=far style="position:absolute;left:50px;top:3000px;width:100px;height:50px">far</button>
<script>
  events = [];
  for (const name of 'mousemove mousedown mouseup click dblclick keydown keyup wheel touchstart touchend'.split(' '))
    addEventListener(name, (e) => events.push({ name, key: e.key, code: e.code, button: e.button, shift: e.shiftKey,
      trusted: e.isTrusted, target: e.target.id, at: performance.now() }), { capture: true, passive: true });
</script>`.replaceAll('\n', ' ');

interface Seen {
  readonly name: string;
  readonly key?: string;
  readonly code?: string;
  readonly shift?: boolean;
  readonly trusted: boolean;
  readonly target: string;
  readonly at: number;
}

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

describe('the input of a page', () => {
  const stack = new AsyncDisposableStack();
  let page: Page;

  beforeAll(async () => {
    const browser = stack.use(await launchBrowser(PLAIN_BROWSER, await openTestHost(stack), soon()));
    page = await browser.page(soon());
  });
  beforeEach(() => page.navigate({ url: PAGE }, soon()));
  afterAll(() => stack.disposeAsync());

  const act = (actions: Input['actions'], pace: Input['pace'] = 'instant'): Promise<InputResult> =>
    page.input({ actions, pace }, soon());
  const evaluate = async (code: string): Promise<unknown> => (await page.execute({ code }, soon())).result;
  const seen = async (): Promise<Seen[]> => (await evaluate('events')) as Seen[];

  it('clicks an element as a user does, once for each click', async () => {
    const { pointer } = await act([{ type: 'click', selector: '#field', clickCount: 2 }]);
    expect(pointer.x).toBeGreaterThan(400);
    const events = await seen();
    expect(events.map(({ name }) => name)).toEqual([
      'mousemove',
      'mousedown',
      'mouseup',
      'click',
      'mousedown',
      'mouseup',
      'click',
      'dblclick',
    ]);
    expect(events.every(({ trusted, target }) => trusted && target === 'field')).toBe(true);
  });

  it('types any text, with the keys a keyboard has for it', async () => {
    await act([{ type: 'type', selector: '#field', text: 'Hi, Wörld 7$' }]);
    expect(await evaluate('field.value')).toBe('Hi, Wörld 7$');
    const keys = (await seen()).filter(({ name }) => name === 'keydown');
    expect(keys.slice(0, 3)).toMatchObject([
      { key: 'Shift', code: 'ShiftLeft', shift: true },
      { key: 'H', code: 'KeyH', shift: true },
      { key: 'i', code: 'KeyI', shift: false },
    ]);
    expect(keys.at(-1)).toMatchObject({ key: '$', code: 'Digit4', shift: true });
  });

  it('strikes keys with their modifiers, which are commands then', async () => {
    await act([
      { type: 'type', selector: '#field', text: 'abc' },
      { type: 'key', key: 'a', modifiers: ['Control'] },
      { type: 'key', key: 'Backspace' },
      { type: 'key', key: 'Z' },
    ]);
    expect(await evaluate('field.value')).toBe('Z');
  });

  it('brings what is out of sight into view', async () => {
    await act([{ type: 'click', selector: '#far' }]);
    expect((await seen()).at(-1)).toMatchObject({ name: 'click', target: 'far' });
    expect(await evaluate('scrollY > 2000')).toBe(true);
  });

  it('turns the wheel by as much as is asked for', async () => {
    await act([{ type: 'scroll', x: 300, y: 300, deltaY: 650 }], 'human');
    expect(await evaluate('new Promise((done) => setTimeout(() => done(scrollY), 500))')).toBe(650);
    expect((await seen()).filter(({ name }) => name === 'wheel').length).toBeGreaterThan(3);
  });

  it('lets the pointer travel and holds keys and buttons at a human pace', async () => {
    await act([{ type: 'move', x: 900, y: 600 }]);
    await evaluate('events.length = 0');
    await act([{ type: 'type', selector: '#field', text: 'two words' }], 'human');
    expect(await evaluate('field.value')).toBe('two words');
    const events = await seen();
    expect(events.filter(({ name }) => name === 'mousemove').length).toBeGreaterThan(10);
    const at = (name: string): number => events.find((each) => each.name === name)?.at ?? Number.NaN;
    expect(at('mouseup') - at('mousedown')).toBeGreaterThan(30);
    expect(at('keyup') - at('keydown')).toBeGreaterThan(30);
    const downs = events.filter(({ name }) => name === 'keydown').map((each) => each.at);
    const gaps = downs.slice(1).map((each, index) => Math.round(each - (downs[index] ?? 0)));
    expect(new Set(gaps).size).toBeGreaterThan(3);
  });

  it('touches', async () => {
    await act([{ type: 'tap', selector: '#field' }]);
    const names = (await seen()).map(({ name }) => name);
    expect(names).toContain('touchstart');
    expect(names).toContain('touchend');
  });

  it('says that an element is not there, or cannot be', async () => {
    await expect(act([{ type: 'click', selector: '#nowhere' }])).rejects.toMatchObject({ code: 'ELEMENT_NOT_FOUND' });
    await expect(act([{ type: 'click', selector: '::' }])).rejects.toMatchObject({ code: 'ELEMENT_NOT_FOUND' });
  });

  it('lets go of what is held when its time is over', async () => {
    const actions: Input['actions'] = [{ type: 'move', x: 10, y: 10 }, { type: 'down' }, { type: 'wait', ms: 20_000 }];
    await expect(page.input({ actions, timeoutMs: 300 }, soon())).rejects.toMatchObject({
      code: 'OPERATION_TIMED_OUT',
    });
    expect((await seen()).map(({ name }) => name)).toContain('mouseup');
  });
});
