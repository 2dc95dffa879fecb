import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { SESSION_DEFAULTS, UNAVAILABLE_CREATE_OPTIONS } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { AppError } from '../../lib/app-error.ts';
import { toBrowserOptions } from './create-options.ts';
import type { PlacedSession } from './place-at-exit.ts';

async function errorsOf(input: PlacedSession): Promise<{ code: string; paths: string[] }> {
  const error = await toBrowserOptions(input, '/nonexistent').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  const { code, extensions } = error as AppError;
  return { code, paths: (extensions.errors ?? []).map((each) => each.path) };
}

describe('create options', () => {
  it('ask for the usual level when there are none', async () => {
    expect(await toBrowserOptions({}, '/nonexistent')).toEqual({
      stealthLevel: SESSION_DEFAULTS.stealthLevel,
      timezone: undefined,
      launchArgs: [],
      extensionDirs: [],
    });
  });

  it('of later versions are refused by name, all of them at once', async () => {
    const input: PlacedSession = { record: true };
    const { code, paths } = await errorsOf(input);
    expect(code).toBe('OPTION_NOT_AVAILABLE');
    expect(paths.toSorted()).toEqual(UNAVAILABLE_CREATE_OPTIONS.map((name) => `/${name}`).toSorted());
  });

  it('that ask for nothing are not refused', async () => {
    await expect(toBrowserOptions({ record: false, blockedDomains: [] }, '/nonexistent')).resolves.toBeDefined();
  });

  it('may not bring flags from outside the list', async () => {
    for (const flag of [
      '--proxy-server=evil:1',
      '--no-sandbox',
      '--user-data-dir=/',
      '--remote-debugging-port=1',
      '--renderer-cmd-prefix=sh',
    ]) {
      expect(await errorsOf({ launchArgs: ['--mute-audio', flag] })).toEqual({
        code: 'VALIDATION_FAILED',
        paths: ['/launchArgs/1'],
      });
    }
  });

  it('name a time zone that exists', async () => {
    expect(await errorsOf({ timezone: 'Mars/Olympus' })).toEqual({ code: 'VALIDATION_FAILED', paths: ['/timezone'] });
    expect(await errorsOf({ timezone: '+05:30' })).toEqual({ code: 'VALIDATION_FAILED', paths: ['/timezone'] });
    await expect(toBrowserOptions({ timezone: 'europe/berlin' }, '/nonexistent')).resolves.toMatchObject({
      timezone: 'Europe/Berlin',
    });
    await expect(toBrowserOptions({ timezone: 'Asia/Tokyo' }, '/nonexistent')).resolves.toMatchObject({
      timezone: 'Asia/Tokyo',
    });
  });

  it('find an extension by name in its folder and nowhere else', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'guise-extensions-'));
    try {
      await mkdir(path.join(folder, 'reader'));
      await writeFile(path.join(folder, 'reader', 'manifest.json'), '{}');
      const spec = await toBrowserOptions({ extensions: ['reader'] }, folder);
      expect(spec.extensionDirs).toEqual([path.join(folder, 'reader')]);
      await expect(toBrowserOptions({ extensions: ['other'] }, folder)).rejects.toThrow(
        'no unpacked extension "other"',
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
