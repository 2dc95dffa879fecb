import { describe, expect, it } from 'vitest';

import { findRequirement, listRequirements } from './requirements.mjs';

const [chromium] = listRequirements('start', 'linux');
const machine = (files, environment = { PATH: '/usr/bin' }) => ({
  platform: 'linux',
  environment,
  isThere: (file) => files.includes(file),
});

describe('finding Chromium', () => {
  it("takes Debian's binary rather than the script around it", () => {
    const files = ['/usr/bin/chromium', '/usr/lib/chromium/chromium', '/opt/google/chrome/chrome'];
    expect(findRequirement(chromium, machine(files))).toBe('/usr/lib/chromium/chromium');
  });

  it('takes Chrome, a snap, or whatever is called chromium on the PATH', () => {
    expect(findRequirement(chromium, machine(['/opt/google/chrome/chrome']))).toBe('/opt/google/chrome/chrome');
    expect(findRequirement(chromium, machine(['/snap/bin/chromium']))).toBe('/snap/bin/chromium');
    expect(findRequirement(chromium, machine(['/usr/bin/chromium']))).toBe('/usr/bin/chromium');
  });

  it('knows where applications are on a Mac', () => {
    const chrome = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
    expect(findRequirement(chromium, { ...machine([chrome]), platform: 'darwin' })).toBe(chrome);
  });

  it('takes the one that the user chose before any other', () => {
    const environment = { PATH: '/usr/bin', CHROMIUM_PATH: '/mine' };
    expect(findRequirement(chromium, machine(['/mine', '/usr/lib/chromium/chromium'], environment))).toBe('/mine');
  });

  it('refuses a choice that names nothing, instead of running another browser', () => {
    const environment = { PATH: '/usr/bin', CHROMIUM_PATH: '/gone' };
    expect(() => findRequirement(chromium, machine(['/usr/lib/chromium/chromium'], environment))).toThrow(
      /CHROMIUM_PATH is \/gone/,
    );
  });

  it('finds nothing where there is nothing', () => {
    expect(findRequirement(chromium, machine([]))).toBeUndefined();
  });
});

describe('what each purpose needs', () => {
  const forIdentities = ['fonts', 'Mesa EGL', 'C compiler'];
  const names = (purpose, platform) => listRequirements(purpose, platform).map(({ name }) => name);

  it('is a browser and its display to start, the servers too for the tests, and nothing for the checks', () => {
    expect(names('start', 'linux')).toEqual(['Chromium', 'Xvfb', ...forIdentities]);
    expect(names('start', 'darwin')).toEqual(['Chromium']);
    expect(names('tests', 'linux')).toEqual([
      'Chromium',
      'Xvfb',
      ...forIdentities,
      'psql',
      'redis-server',
      'nginx',
      'openssl',
      'promtool',
      'tinyproxy',
      'microsocks',
      'squid',
      'OpenStack Swift',
      'strace',
    ]);
    expect(names('check', 'linux')).toEqual([]);
  });

  it('can do without a display, what identities have only, and a server of few tests', () => {
    const optional = listRequirements('tests', 'linux').filter((each) => each.optional);
    expect(optional.map(({ name }) => name)).toEqual(['Xvfb', ...forIdentities, 'OpenStack Swift', 'strace']);
  });

  it('takes the fonts for there only when all of them are', () => {
    const fonts = listRequirements('start', 'linux').find(({ name }) => name === 'fonts');
    expect(findRequirement(fonts, { ...machine([]), isFile: () => true })).toMatch(/Arimo/);
    expect(findRequirement(fonts, { ...machine([]), isFile: (file) => !file.includes('Emoji') })).toBeUndefined();
  });

  it("finds a server in the administrator's folders", () => {
    const nginx = listRequirements('tests', 'linux').find(({ name }) => name === 'nginx');
    expect(findRequirement(nginx, machine(['/usr/sbin/nginx']))).toBe('/usr/sbin/nginx');
  });
});
