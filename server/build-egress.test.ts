import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

import { buildEgress } from './build-egress.ts';
import { silentLogger } from './platform/logger/logger.ts';
import { SettingsError } from './settings/load-settings.ts';
import { openRawServer } from './testing/egress-rig.ts';
import { openSquid } from './testing/real-proxy.ts';
import { openTestDirectory } from './testing/test-directory.ts';

const SETTINGS = { egressAllow: '127.0.0.1', egressPorts: '1-65535' };
const CREDENTIALS = { username: 'user', password: 'pass-word.1' };

const build = (more: { egressProxyAuthorities?: string; egressAllow?: string }): ReturnType<typeof buildEgress> =>
  buildEgress({ ...SETTINGS, ...more } as Parameters<typeof buildEgress>[0], new Set(), silentLogger);

describe('egress as the settings have it', () => {
  it('trusts https proxies that the operator’s authorities certify, and no others', async () => {
    await using stack = new AsyncDisposableStack();
    const squid = stack.use(await openSquid(CREDENTIALS));
    const site = stack.use(await openRawServer((socket) => socket.resume()));
    const file = path.join(await openTestDirectory(stack), 'authorities.pem');
    await writeFile(file, squid.authority);
    const upstream = { protocol: 'https', host: '127.0.0.1', port: squid.https.port, ...CREDENTIALS } as const;
    const target = { host: '127.0.0.1', port: site.port };
    const trusting = stack.use(build({ egressProxyAuthorities: file }));
    const socket = await trusting.dial(upstream, target, AbortSignal.timeout(10_000));
    socket.destroy();
    const plain = stack.use(build({}));
    await expect(plain.dial(upstream, target, AbortSignal.timeout(10_000))).rejects.toThrow(/certificate/);
  });

  it.each([
    ['a file that is not there', { egressProxyAuthorities: '/nonexistent.pem' }],
    ['a file without any certificate', { egressProxyAuthorities: import.meta.filename }],
    ['what is no address', { egressAllow: 'somewhere' }],
  ])('does not begin with %s', (_, more) => {
    expect(() => build(more)).toThrow(SettingsError);
  });
});
