import { randomInt } from 'node:crypto';

/** The name under which Playwright puts its binding into every context. */
const PLAYWRIGHT_BINDING = '__playwright__binding__';
/** What Playwright's functions are called through. Begins with the name above, so it is looked for first. */
const PLAYWRIGHT_CONTROLLER = '__playwright__binding__controller__';
/** What the names of Puppeteer's bindings begin with. */
const PUPPETEER_PREFIX = 'puppeteer_';

const SOURCE_URL = /^[ \t]*\/\/[@#] sourceURL=(?:pptr:|__playwright|__puppeteer)[^\n]*$/gm;
/** Of Puppeteer's function that makes bindings callable, which a page can read: lines that are nothing but a comment. */
const COMMENT_LINE = /^[ \t]*\/\/[^\n]*\n/gm;
/** Playwright's script for evaluation, and the function by which it is called. */
const UTILITY_SCRIPT = /utilityScript_exports|^\(utilityScript, \.\.\.args\) => utilityScript\./;

/** A message without any of these has nothing to be taken out. */
const MARKS = ['sourceURL=', PLAYWRIGHT_BINDING, 'tilityScript', 'callPuppeteer', PUPPETEER_PREFIX] as const;

/**
 * Of these no word can be spelled that sites look for: chance has written "cdp" into a name. Without vowels there are no words, and
 * without c, p and x none of the abbreviations (`cdc`, `cdp`, `pptr`, `xdriver`) either.
 */
const LETTERS = 'bdfghjklmnqrstvwyz';

/** Letters at random, as many as `name` has bytes: so one can be written over the other. */
function aliasFor(name: string): string {
  return Array.from({ length: name.length }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

/** A name a driver gives to a thing in the page, or the beginning of one, with what it is called there. */
interface Alias {
  readonly name: string;
  readonly alias: string;
}

/**
 * The traces by which Puppeteer and Playwright could be recognised in a page, and what stands in their place.
 *
 * Names in the page become random ones of the same length, other ones for each client: two clients of the same driver do not
 * get in each other's way. A driver whose traces are not known here works, and is seen in what it leaves in the page.
 */
export class DriverTraces {
  readonly #controller = aliasFor(PLAYWRIGHT_CONTROLLER);
  readonly #binding = aliasFor(PLAYWRIGHT_BINDING);
  readonly #prefix = aliasFor(PUPPETEER_PREFIX);
  readonly #word = aliasFor('callPuppeteer');

  /** What bindings are called in the page, and what their client calls them; the beginnings of both. */
  get bindingAliases(): readonly Alias[] {
    return [
      { name: PLAYWRIGHT_BINDING, alias: this.#binding },
      { name: PUPPETEER_PREFIX, alias: this.#prefix },
    ];
  }

  /** What the page gets to see of a driver's own functions, beside its bindings. */
  get controllerAlias(): string {
    return this.#controller;
  }

  /** Whether a message, as the bytes it is, may hold traces. Cheap. */
  areIn(message: Buffer | string): boolean {
    return MARKS.some((mark) => message.includes(mark));
  }

  /** The text of a script without traces. What a user's own code says stays, also where it speaks of drivers. */
  clean(script: string): string {
    const cleaned = script.includes('sourceURL=') ? script.replace(SOURCE_URL, '') : script;
    return this.#cleanPuppeteer(this.#cleanUtilityScript(this.#cleanPlaywright(cleaned)));
  }

  /** An argument of a function that is called in the page: Playwright hands scripts over as such. */
  cleanArgument(value: unknown): unknown {
    if (typeof value !== 'string') return value;
    return value === PUPPETEER_PREFIX ? this.#prefix : this.#cleanPlaywright(value);
  }

  /** What a binding is called in the page. */
  bindingName(name: string): string {
    if (name === PLAYWRIGHT_BINDING) return this.#binding;
    return name.startsWith(PUPPETEER_PREFIX) ? `${this.#prefix}${name.slice(PUPPETEER_PREFIX.length)}` : name;
  }

  #cleanPlaywright(script: string): string {
    if (!script.includes(PLAYWRIGHT_BINDING)) return script;
    return script.replaceAll(PLAYWRIGHT_CONTROLLER, this.#controller).replaceAll(PLAYWRIGHT_BINDING, this.#binding);
  }

  #cleanUtilityScript(script: string): string {
    if (!UTILITY_SCRIPT.test(script)) return script;
    const word = this.#word;
    return script
      .replaceAll('utilityScript', word)
      .replaceAll('UtilityScript', `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`);
  }

  #cleanPuppeteer(script: string): string {
    if (!script.includes('callPuppeteer')) return script;
    return script
      .replace(COMMENT_LINE, '')
      .replaceAll('callPuppeteer', this.#word)
      .replaceAll(`"${PUPPETEER_PREFIX}"`, `"${this.#prefix}"`);
  }
}

/** A binding of Puppeteer's own, which it makes for selectors it never uses in the main world of a page. */
export function isInternalBinding(name: string): boolean {
  return name.startsWith(`${PUPPETEER_PREFIX}__aria`);
}

/** Whether a function is called to make such a binding callable. */
export function callsForInternalBinding(values: readonly unknown[]): boolean {
  return values[0] === 'internal' && values[2] === PUPPETEER_PREFIX;
}
