import { describe, expect, it } from 'vitest';

import { parsePss, parseStat } from './process-meter.ts';

const FIELDS = '812 812 812 0 -1 4194560 1 2 3 4 150 50 20 5 20 0 18 0 98765 1234567 2048 18446744073709551615 1 1 0';

describe('parseStat', () => {
  it('reads group, start, processor time with that of ended children, and resident memory', () => {
    expect(parseStat(900, `900 (chromium) S ${FIELDS.replace(/^812/, '1')}`, 4_096)).toEqual({
      pid: 900,
      groupId: 812,
      startTicks: '98765',
      cpuMs: 2_250,
      residentBytes: 2_048 * 4_096,
    });
  });

  it('is not led astray by a command name with parentheses and spaces', () => {
    expect(parseStat(900, `900 (a) S 1) (b) R ${FIELDS}`, 4_096)).toMatchObject({ groupId: 812, cpuMs: 2_250 });
  });

  it('takes zombies, and processes that are gone, for none', () => {
    expect(parseStat(900, `900 (chromium) Z ${FIELDS}`, 4_096)).toBeUndefined();
    expect(parseStat(900, '', 4_096)).toBeUndefined();
  });
});

describe('parsePss', () => {
  it('reads the sum, not one of its parts', () => {
    const text = '55f-7ff ---p 0 00:00 0 [rollup]\nRss:  900 kB\nPss:  321 kB\nPss_Dirty:  100 kB\nPss_Anon:  99 kB\n';
    expect(parsePss(text)).toBe(321 * 1_024);
  });

  it('says when there is nothing to read', () => {
    expect(parsePss('')).toBeUndefined();
  });
});
