import { describe, expect, it } from 'vitest';

import { scriptKind } from './script-kind.ts';

describe('the kind of a script', () => {
  it.each([
    ['1 + 1', 'plain'],
    ['function f() { return 1 } f()', 'plain'],
    ['(async () => { await x; return 1 })()', 'plain'],
    ['fetch("/a").then((r) => { return r.json() })', 'plain'],
    ['"await return const"', 'plain'],
    ['var a = 1; a', 'plain'],
    ['await x', 'console'],
    ['await (async () => { return 1 })()', 'console'],
    ['for await (const x of y) {}', 'console'],
    ['const a = () => { return 1 }; a()', 'console'],
    ['class A { m() { return 1 } } new A()', 'console'],
    ['return 1', 'function'],
    ['if (x) { return await y }', 'function'],
    ['const a = await b; return a', 'function'],
    ['const a = ;', 'plain'],
    [`await ${'['.repeat(100_000)}`, 'plain'],
  ])('%s is %s', (code, kind) => {
    expect(scriptKind(code)).toBe(kind);
  });
});
