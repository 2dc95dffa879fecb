import { describe, expect, it } from 'vitest';

import { ALLOWED_COMMANDS } from './allowed-commands.ts';
import { inspectCommand, verdictOf } from './command-policy.ts';
import { RESTRICTED_COMMANDS } from './restricted-commands.ts';

const FOLDERS = { path: '/data/browsers/0a1b2c3d', downloadsDir: '/data/browsers/0a1b2c3d/downloads' };

/** What the policy makes of a command: the parameters that go on, or why it is refused. */
function inspect(method: string, params: unknown): unknown {
  const verdict = verdictOf(method);
  if (verdict.verdict !== 'inspect' && verdict.verdict !== 'rewrite') throw new Error(`${method} is not inspected`);
  const inspected = inspectCommand(JSON.stringify({ id: 1, method, params }), verdict.check, FOLDERS);
  if ('refused' in inspected) return inspected.refused;
  expect(inspected.message).toMatchObject({ id: 1, method });
  return JSON.parse(JSON.stringify(inspected.message['params']));
}

const inner = (method: string, params: object = {}): object => ({
  sessionId: 'S',
  message: JSON.stringify({ id: 2, method, params }),
});

describe('the tables', () => {
  it('say of each command one thing', () => {
    const allowed = Object.entries(ALLOWED_COMMANDS).flatMap(([domain, [, names]]) =>
      names.split(/\s+/).map((name) => `${domain}.${name}`),
    );
    expect(new Set(allowed).size).toBe(allowed.length);
    expect(allowed.filter((name) => name in RESTRICTED_COMMANDS)).toEqual([]);
  });

  it('know nothing of what is no command, not even by the names objects have', () => {
    for (const method of [
      '',
      'Page',
      'Page.',
      'page.navigate',
      'Page.navigate ',
      'constructor',
      '__proto__',
      'No.such',
    ]) {
      expect(verdictOf(method)).toEqual({ verdict: 'unknown' });
    }
  });
});

describe('a command that is looked at', () => {
  it.each(['Page.navigate', 'Target.createTarget', 'Network.loadNetworkResource', 'Fetch.continueRequest'])(
    '%s goes on with an address a page could have, and with no other',
    (method) => {
      expect(inspect(method, { url: 'https://example.com/', other: [1] })).toEqual({
        url: 'https://example.com/',
        other: [1],
      });
      expect(inspect(method, { url: 'file:///etc/passwd' })).toContain('file:');
      expect(inspect(method, { url: ['https://example.com/'] })).toContain('string');
    },
  );

  it('may leave out an address it need not have', () => {
    expect(inspect('Fetch.continueRequest', { requestId: '1' })).toEqual({ requestId: '1' });
    expect(inspect('Page.navigate', {})).toContain('string');
  });

  it('is read as JSON reads it, and goes on as it was read', () => {
    const twice = '{"id":1,"method":"Page.navigate","params":{"url":"file:///a","url":"https://example.com/"}}';
    expect(inspectCommand(twice, 'url', FOLDERS)).toEqual({
      message: { id: 1, method: 'Page.navigate', params: { url: 'https://example.com/' } },
    });
    expect(inspectCommand('{"params":{"url":"https:\\x2f"}}', 'url', FOLDERS)).toEqual({ refused: 'it is not JSON' });
    expect(inspectCommand('{"params":"file:///a"}', 'url', FOLDERS)).toEqual({
      refused: 'its params must be an object',
    });
  });

  it('may name files in the folder of its own browser, by whatever way leads there, and no others', () => {
    const fine = ['/data/browsers/0a1b2c3d/downloads/a.txt', '/data/browsers/0a1b2c3d/x/../uploads/b.txt'];
    expect(inspect('DOM.setFileInputFiles', { files: fine })).toEqual({ files: fine });
    expect(inspect('Input.dispatchDragEvent', { data: { files: fine } })).toEqual({ data: { files: fine } });
    for (const file of [
      '/etc/passwd',
      '/data/browsers/0a1b2c3d',
      '/data/browsers/0a1b2c3d/../11111111/profile/Cookies',
      '/data/browsers/0a1b2c3d0/a',
      'downloads/a.txt',
      '/data/browsers/0a1b2c3d/a\0/../../../../etc/passwd',
      17,
      null,
    ]) {
      expect(inspect('DOM.setFileInputFiles', { files: [...fine, file] })).toContain('folder of the session');
      expect(inspect('Input.dispatchDragEvent', { data: { items: [], files: [file] } })).toContain(
        'folder of the session',
      );
    }
    expect(inspect('DOM.setFileInputFiles', { files: '/etc/passwd' })).toContain('folder of the session');
    expect(inspect('Input.dispatchDragEvent', { data: { items: [] } })).toEqual({ data: { items: [] } });
  });

  it.each(['Browser.setDownloadBehavior', 'Page.setDownloadBehavior'])(
    '%s keeps downloads in their folder',
    (method) => {
      const { downloadsDir } = FOLDERS;
      expect(inspect(method, { behavior: 'allowAndName', downloadPath: '/home/ada', eventsEnabled: true })).toEqual({
        behavior: 'allowAndName',
        downloadPath: downloadsDir,
        eventsEnabled: true,
      });
      expect(inspect(method, { behavior: 'allow' })).toEqual({ behavior: 'allow', downloadPath: downloadsDir });
      expect(inspect(method, { behavior: 'deny', downloadPath: '/home/ada' })).toEqual({ behavior: 'deny' });
      expect(inspect(method, { behavior: 'default' })).toEqual({ behavior: 'default' });
    },
  );

  it('may make a context, but not one with another way to the network', () => {
    expect(inspect('Target.createBrowserContext', { disposeOnDetach: true })).toEqual({ disposeOnDetach: true });
    for (const name of ['proxyServer', 'proxyBypassList', 'originsWithUniversalNetworkAccess']) {
      expect(inspect('Target.createBrowserContext', { [name]: '' })).toMatch(/\w/);
    }
  });

  it('may trace, but not by a configuration that names files', () => {
    expect(inspect('Tracing.start', { categories: 'devtools.timeline' })).toEqual({ categories: 'devtools.timeline' });
    expect(inspect('Tracing.start', { perfettoConfig: '' })).toContain('perfettoConfig');
    expect(inspect('Tracing.start', { tracingBackend: 'system' })).toContain('host');
  });

  it('may hold a command that would go on by itself, however deep', () => {
    const command = 'Target.sendMessageToTarget';
    const deep = (params: object): object => inner(command, inner(command, params));
    for (const params of [
      inner('Runtime.evaluate', { expression: '1' }),
      inner('Page.navigate', { url: 'https://a.b/' }),
    ]) {
      expect(inspect(command, params)).toEqual(params);
      expect(inspect(command, deep(params))).toEqual(deep(params));
    }
    const { downloadsDir: downloadPath } = FOLDERS;
    const download = inner('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath });
    expect(inspect(command, inner('Browser.setDownloadBehavior', { behavior: 'allow' }))).toEqual(download);
    for (const params of [
      inner('Page.navigate', { url: 'file:///etc/passwd' }),
      inner('Browser.crash'),
      inner('Browser.close'),
      inner('No.such'),
      { message: '{' },
      { message: '{"id":1}' },
      { message: { method: 'Page.navigate' } },
    ]) {
      expect(typeof inspect(command, params)).toBe('string');
      expect(typeof inspect(command, deep(params))).toBe('string');
    }
  });
});
