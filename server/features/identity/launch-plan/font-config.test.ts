import { OS_FAMILIES } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { identityFontConfig, listFontLinks, setConfig } from './font-config.ts';
import { generateFingerprint } from '../generate-fingerprint.ts';
import { FONT_FAMILIES, faceOf } from './font-families.ts';

const rejected = (config: string): string[] =>
  [...config.matchAll(/<patelt name="family"><string>([^<]*)</g)].map(([, name]) => name ?? '');
const standIn = (config: string, name: string): string | undefined =>
  new RegExp(`<string>${name}</string></test><edit [^>]*><string>([^<]*)<`).exec(config)?.[1];

describe('the fonts of an identity', () => {
  it('are those of its fingerprint and no others of the set', () => {
    const config = identityFontConfig('/fonts', 'windows', ['Arial', 'Segoe UI']);
    expect(config).toContain('<include>/fonts/windows.conf</include>');
    expect(rejected(config)).toContain('Calibri');
    expect(rejected(config)).not.toContain('Arial');
    expect(rejected(config)).not.toContain('Segoe UI');
  });

  it('are found by the generic names of CSS', () => {
    const config = identityFontConfig('/fonts', 'windows', ['Arial', 'Times New Roman', 'Courier New']);
    expect(standIn(config, 'sans-serif')).toBe('Arial');
    // Consolas is what Windows has there; of what this one has, that is the nearest.
    expect(standIn(config, 'monospace')).toBe('Courier New');
  });

  it('have the nearest stand for a family no table knows', () => {
    const config = identityFontConfig('/fonts', 'linux', ['DejaVu Sans', 'DejaVu Sans Mono', 'Nobody’s Code', 'A & B']);
    expect(standIn(config, 'Nobody’s Code')).toBe('DejaVu Sans Mono');
    expect(config).toContain('A &amp; B');
  });

  it.each(OS_FAMILIES)('are of a generated %s all in its set: an alias is not found by its name', (os) => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const { fonts } = generateFingerprint({ os, seed }, { browserVersion: '156.0.1.2' });
      expect(fonts.filter((name) => !FONT_FAMILIES[os].has(name))).toEqual([]);
    }
  });

  it.each([
    ['Source Code Pro', 'mono'],
    ['IBM Plex Serif', 'serif'],
    ['IBM Plex Sans', 'sans'],
    ['Open Sans Condensed', 'narrow'],
    ['Whatever', 'sans'],
  ])('take %s for %s', (name, face) => {
    expect(faceOf('windows', name)).toBe(face);
  });
});

describe('a set of fonts', () => {
  it.each(OS_FAMILIES)('of %s has no two files of one name and a rule for each', (os) => {
    const names = listFontLinks(os).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const rules = [...setConfig('/fonts', os).matchAll(/compare="contains"><string>([^<]*)</g)].map(
      ([, text]) => text ?? '',
    );
    const rulesOf = (name: string): string[] => rules.filter((text) => `/${name}`.includes(text));
    expect(names.filter((name) => rulesOf(name).length !== 1)).toEqual([]);
  });
});
