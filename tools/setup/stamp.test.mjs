import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { isInstallCurrent, isProgramCurrent, makeStamp, readStamp, writeStamp } from './stamp.mjs';

let root;

function put(file, content) {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), content);
  return path.join(root, file);
}

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'guise-stamp-'));
  put('package.json', '{"workspaces": ["part"], "dependencies": {"a": "1"}}');
  put('part/package.json', '{"dependencies": {"b": "1"}}');
  put('package-lock.json', '{}');
  put('node_modules/a/package.json', '{}');
  put('part/node_modules/b/package.json', '{}');
  put('bin/node', 'node');
  put('bin/chromium', 'chromium');
});
afterEach(() => rmSync(root, { recursive: true }));

const stampNow = (programs = {}, verifiedBefore) =>
  makeStamp(root, { node: path.join(root, 'bin/node'), programs, verifiedBefore });

describe('the stamp of an install', () => {
  it('is believed as long as nothing has changed, also after it was written and read', () => {
    writeStamp(root, stampNow());
    expect(isInstallCurrent(root, readStamp(root))).toBe(true);
  });

  it('is no stamp where there was no set-up', () => {
    expect(readStamp(root)).toBeUndefined();
    expect(isInstallCurrent(root, undefined)).toBe(false);
  });

  it.each([
    ['the lock changed', () => put('package-lock.json', '{"changed": true}')],
    ['a package.json changed', () => put('part/package.json', '{"dependencies": {"b": "2"}}')],
    ['a dependency is gone', () => rmSync(path.join(root, 'node_modules/a'), { recursive: true })],
    ['a dependency of a workspace is gone', () => rmSync(path.join(root, 'part/node_modules'), { recursive: true })],
    ['the Node is gone', () => rmSync(path.join(root, 'bin/node'))],
    ['the Node is another', () => put('bin/node', 'another node')],
  ])('is not believed when %s', (_, change) => {
    const stamp = stampNow();
    change();
    expect(isInstallCurrent(root, stamp)).toBe(false);
  });

  it('is not believed on another platform or in another folder', () => {
    expect(isInstallCurrent(root, stampNow(), { platform: 'linux', arch: 'other' })).toBe(false);
    expect(isInstallCurrent(root, { ...stampNow(), root: '/elsewhere' })).toBe(false);
  });
});

describe('the stamp of a program', () => {
  const chromium = { name: 'Chromium' };
  const xvfb = { name: 'Xvfb', optional: 'no display' };

  it('is believed for the very file that was verified', () => {
    const file = path.join(root, 'bin/chromium');
    const stamp = stampNow({ Chromium: file });
    expect(isProgramCurrent(stamp, chromium, file)).toBe(true);
    expect(isProgramCurrent(stamp, chromium, path.join(root, 'bin/node'))).toBe(false);
    put('bin/chromium', 'an upgraded chromium');
    expect(isProgramCurrent(stamp, chromium, file)).toBe(false);
    expect(isProgramCurrent(stamp, chromium, undefined)).toBe(false);
  });

  it('does not ask again for an optional one that could not be had, until it turns up', () => {
    const stamp = stampNow({ Xvfb: undefined });
    expect(isProgramCurrent(stamp, xvfb, undefined)).toBe(true);
    expect(isProgramCurrent(stamp, xvfb, path.join(root, 'bin/node'))).toBe(false);
  });

  it('keeps what another purpose had verified, but not what has gone since', () => {
    const before = stampNow({ psql: path.join(root, 'bin/node'), Xvfb: path.join(root, 'bin/node') }).programs;
    writeStamp(root, stampNow({ Chromium: path.join(root, 'bin/chromium'), Xvfb: undefined }, before));
    expect(Object.keys(readStamp(root).programs)).toEqual(['psql', 'Chromium']);
  });
});
