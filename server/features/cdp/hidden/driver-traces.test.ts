import { Script } from 'node:vm';

import { expect, it } from 'vitest';

import { DriverTraces } from './driver-traces.ts';

const KNOWN = /pptr|puppeteer|playwright|utilityscript/i;
/** What sites look for in names, as far as it is letters only. */
const SOUGHT = [
  ...['cdp', 'cdc', 'pptr', 'puppeteer', 'playwright', 'pwright', 'selenium', 'webdriver', 'driver', 'chromedriver'],
  ...['phantom', 'nightmare', 'cypress', 'automation', 'automate', 'headless', 'bot', 'robot', 'evaluate', 'binding'],
  ...['domauto', 'xdriver', 'wdio', 'crawler', 'spider', 'scrape', 'stealth', 'watir', 'fxdriver', 'devtools'],
];
const traces = new DriverTraces();

it.each([
  ['a source URL of Puppeteer', '1 + 1\n//# sourceURL=pptr:evaluate;%2Fhome%2Fme%2Ftest.js%3A1%3A1\n', '1 + 1\n\n'],
  ['one of a script of its own', '//# sourceURL=pptr:internal', ''],
  ['nothing of a user’s own', 'f()\n//# sourceURL=mine.js', 'f()\n//# sourceURL=mine.js'],
  ['nothing where a user speaks of drivers', 'say("puppeteer_x UtilityScript")', 'say("puppeteer_x UtilityScript")'],
])('takes out of a script %s', (_what, script, cleaned) => {
  expect(traces.clean(script)).toBe(cleaned);
});

it.each([
  [
    'Playwright’s script for evaluation',
    'var utilityScript_exports; var UtilityScript = class {}; new UtilityScript()',
  ],
  ['the function it is called by', '(utilityScript, ...args) => utilityScript.evaluate(...args)'],
  ['its binding', 'globalThis["__playwright__binding__controller__"].add("__playwright__binding__")'],
  [
    'Puppeteer’s',
    '(function add(){\n  // This is the Puppeteer binding.\n  callPuppeteer(globalThis[name]) })("puppeteer_")',
  ],
])('knows no driver after it has cleaned %s', (_what, script) => {
  expect(traces.areIn(Buffer.from(script))).toBe(true);
  expect(traces.clean(script)).not.toMatch(KNOWN);
  expect(() => new Script(traces.clean(script))).not.toThrow();
});

it('gives things in the page other names for each client, of the same length', () => {
  const [one, other] = [traces.bindingName('puppeteer_double'), new DriverTraces().bindingName('puppeteer_double')];
  expect(one).toMatch(/^[a-z]{10}double$/);
  expect(one).not.toBe(other);
  expect(traces.bindingName('__playwright__binding__')).toMatch(/^[a-z]{23}$/);
  expect(traces.bindingName('mine')).toBe('mine');
  for (const { name, alias } of traces.bindingAliases) expect(alias).toHaveLength(name.length);
});

it('never has chance spell a word in a name that sites look for', () => {
  const names = Array.from({ length: 500 }, () => {
    const { bindingAliases, controllerAlias } = new DriverTraces();
    return [controllerAlias, ...bindingAliases.map(({ alias }) => alias)];
  }).flat();
  const letters = new Set(names.join(''));
  // Enough for a hundred million names in ten letters: too few would be alike in two clients.
  expect(letters.size).toBeGreaterThan(15);
  const spelled = SOUGHT.filter((word) => Array.from(word).every((letter) => letters.has(letter)));
  expect(spelled).toEqual([]);
});

it('names a binding the same in scripts, in arguments and in commands', () => {
  const alias = traces.bindingName('__playwright__binding__');
  expect(traces.clean('f("__playwright__binding__")')).toBe(`f("${alias}")`);
  expect(traces.cleanArgument('f("__playwright__binding__")')).toBe(`f("${alias}")`);
  expect(traces.cleanArgument('__playwright__binding__controller__')).toBe(traces.controllerAlias);
  expect(`${String(traces.cleanArgument('puppeteer_'))}double`).toBe(traces.bindingName('puppeteer_double'));
  expect(traces.cleanArgument({ value: 1 })).toEqual({ value: 1 });
});
