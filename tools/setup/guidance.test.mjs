import { describe, expect, it } from 'vitest';

import { explainMissing } from './guidance.mjs';
import { listRequirements } from './requirements.mjs';
import { parseFamily } from './system.mjs';
import { whyNotInstall } from './system-packages.mjs';

const [chromium, xvfb] = listRequirements('start', 'linux');

describe('the message about what is missing', () => {
  it('gives one command for all of it on Debian, and the reason why it was not run', () => {
    expect(explainMissing([chromium, xvfb], { family: 'debian', why: 'That needs root.' })).toBe(
      [
        'Missing: Chromium, Xvfb (without it sessions with `headless: false` will be refused).',
        'That needs root.',
        'Install it with:',
        '',
        '    sudo apt-get update && sudo apt-get install --no-install-recommends chromium fonts-liberation xvfb',
        '',
        'Or set CHROMIUM_PATH to the binary of a Chromium or Chrome that you have.',
        'Then run the same command again.',
      ].join('\n'),
    );
  });

  it.each([
    ['ubuntu', 'sudo apt-get install ./google-chrome-stable_current_amd64.deb'],
    ['fedora', 'sudo dnf install chromium'],
    ['arch', 'sudo pacman -S chromium'],
    ['darwin', 'brew install --cask google-chrome'],
    [undefined, "Install it with your system's package manager."],
  ])('knows how a browser is had on %s', (family, command) => {
    expect(explainMissing([chromium], { family })).toContain(command);
  });

  it('asks for nothing to be run again where one can go on', () => {
    expect(explainMissing([xvfb], { family: 'debian' })).not.toContain('again');
  });
});

describe('whether set-up may install', () => {
  const debian = { family: 'debian', uid: 0, hasApt: true };

  it('does as root on Debian and Ubuntu, and says why not elsewhere', () => {
    expect(whyNotInstall(debian)).toBeUndefined();
    expect(whyNotInstall({ ...debian, family: 'ubuntu' })).toBeUndefined();
    expect(whyNotInstall({ ...debian, uid: 1000 })).toMatch(/needs root/);
    expect(whyNotInstall({ ...debian, hasApt: false })).toMatch(/no apt-get/);
    expect(whyNotInstall({ ...debian, family: 'darwin' })).toMatch(/only on Debian and Ubuntu/);
  });

  it.each([
    ['ID=debian\n', 'debian'],
    ['ID=ubuntu\nID_LIKE=debian\n', 'ubuntu'],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"\n', 'ubuntu'],
    ['ID=raspbian\nID_LIKE=debian\n', 'debian'],
    ['ID="rhel"\nID_LIKE="fedora"\n', 'fedora'],
    ['ID=alpine\n', undefined],
  ])('reads %j as %s', (osRelease, family) => {
    expect(parseFamily(osRelease)).toBe(family);
  });
});
