import { describe, expect, it } from 'vitest';

import { isTreeLocked, npmEnvironment, withoutNoise } from './dependencies.mjs';

const manifests = { '': { dependencies: { a: '^1.0.0' }, optionalDependencies: { b: '1.0.0' } } };
const lock = {
  packages: {
    '': { dependencies: { a: '^1.0.0' }, optionalDependencies: { b: '1.0.0' } },
    'node_modules/a': { version: '1.2.0', integrity: 'sha512-a' },
    'node_modules/b': { version: '1.0.0', integrity: 'sha512-b', optional: true },
  },
};
const installed = { packages: { 'node_modules/a': { version: '1.2.0', integrity: 'sha512-a' } } };

describe('whether node_modules is what the lock asks for', () => {
  it('takes what is locked, without the optional packages of other platforms', () => {
    expect(isTreeLocked({ lock, installed, manifests })).toBe(true);
  });

  it('does not take another version of a package', () => {
    const other = { packages: { 'node_modules/a': { version: '1.1.0', integrity: 'sha512-a' } } };
    expect(isTreeLocked({ lock, installed: other, manifests })).toBe(false);
  });

  it('does not take a tree that lacks a necessary package', () => {
    expect(isTreeLocked({ lock, installed: { packages: {} }, manifests })).toBe(false);
  });

  it('does not take a tree whose package.json has changed since it was locked', () => {
    const changed = { '': { ...manifests[''], devDependencies: { c: '1.0.0' } } };
    expect(isTreeLocked({ lock, installed, manifests: changed })).toBe(false);
  });
});

describe('running npm', () => {
  it('keeps npm away from the programs that it is about to replace', () => {
    const { PATH } = npmEnvironment({ PATH: '/repo/node_modules/.bin:/usr/bin:/lib/node_modules/npm/bin:relative' });
    expect(PATH).toBe('/usr/bin');
  });

  it("leaves out what an outer npm said about its own command, but not the user's settings", () => {
    const environment = { PATH: '/usr/bin', npm_lifecycle_event: 'start', npm_config_cache: '/cache', HOME: '/root' };
    expect(npmEnvironment(environment)).toEqual({ PATH: '/usr/bin', npm_config_cache: '/cache', HOME: '/root' });
  });

  it('shows what npm said, but neither its progress nor its opinion on engines', () => {
    const lines = ['npm http fetch GET 200 x', 'npm warn EBADENGINE Unsupported engine {', 'npm error code ENOTFOUND'];
    expect(withoutNoise(lines)).toEqual(['npm error code ENOTFOUND']);
  });
});
