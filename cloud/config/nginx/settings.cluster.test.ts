import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import path from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openTestDirectory } from '../../../server/testing/test-directory.ts';
import { send } from '../../../test/acceptance/http-client.ts';
import { Backend } from '../../testing/backend.ts';
import { openGateway, renderSettings } from '../../testing/gateway.ts';

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

describe('the settings of the gateway', () => {
  it('make a configuration that nginx finds correct, with HTTPS and without', async () => {
    for (const tls of ['off', 'on']) {
      const node = await Backend.start(stack);
      const gateway = await openGateway(stack, { nodes: [node.port], settings: { GATEWAY_TLS: tls } });
      const args = ['-t', '-p', `${gateway.directory}/`, '-c', path.join(gateway.directory, 'nginx.conf')];
      // Its log goes to its output, which has to be a file or a terminal.
      const { stderr } = await promisify(execFile)('sh', ['-c', 'exec nginx "$@" >/dev/null', 'sh', ...args]);
      expect(stderr).toContain('test is successful');
      expect(stderr).not.toContain('[warn]');
    }
  });

  it('look names up again and again unless they say otherwise', async () => {
    const directory = await openTestDirectory(stack);
    await renderSettings(directory, { GATEWAY_RESOLVER: '127.0.0.11 [::1]' });
    const upstream = await readFile(path.join(directory, 'run/upstream.conf'), 'utf8');
    expect(upstream).toContain('resolver 127.0.0.11 [::1] valid=2s ipv6=off;');
    expect(upstream).toMatch(/zone .*\n +least_conn;\n +server browser-pool:3000 resolve max_fails=/);
  });

  it('serve HTTPS, and send there who comes by HTTP, except for health checks', async () => {
    const node = await Backend.start(stack);
    const gateway = await openGateway(stack, { nodes: [node.port], settings: { GATEWAY_TLS: 'on' } });
    const redirect = await send(`${gateway.url}/api/profiles?a=b`, { method: 'POST' });
    expect(redirect).toMatchObject({ status: 308, headers: { location: 'https://127.0.0.1/api/profiles?a=b' } });
    expect((await send(`${gateway.url}/health`)).status).toBe(200);
    const answered = Promise.withResolvers<Record<string, unknown>>();
    request(`${gateway.httpsUrl}/api/profiles`, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      answered.resolve({ status: response.statusCode, ...response.headers });
    })
      .on('error', answered.reject)
      .end();
    expect(await answered.promise).toMatchObject({ status: 200, 'strict-transport-security': 'max-age=31536000' });
    expect(node.received.at(-1)?.headers).toMatchObject({ 'x-forwarded-proto': 'https' });
  });

  it.each([
    ['GATEWAY_LISTEN', '8080; } events {'],
    ['GATEWAY_LISTEN', ' '],
    ['GATEWAY_POOL', 'browser-pool'],
    ['GATEWAY_POOL', 'a:1;b'],
    ['GATEWAY_RESOLVER', 'dns.example'],
    ['GATEWAY_TRUSTED_PROXIES', '10.0.0.0/8;'],
    ['GATEWAY_INTERNAL', 'everyone'],
    ['GATEWAY_TLS', 'yes'],
    ['GATEWAY_TLS_KEY', '/a b'],
    ['GATEWAY_API_RATE', '0'],
    ['GATEWAY_CREATE_BURST', '5\n; x'],
    ['GATEWAY_WORKERS', 'many'],
  ])('are refused by name when %s is %j', async (name, value) => {
    const directory = await openTestDirectory(stack);
    await expect(renderSettings(directory, { GATEWAY_RESOLVER: '127.0.0.1', [name]: value })).rejects.toThrow(
      `${name} is '`,
    );
  });
});
