import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';

import type { Session, SessionEventList } from '@guise/contract';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { type CdpClient, connectCdp } from './cdp-client.ts';
import { send } from './http-client.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { readMetric } from './metrics.ts';
import { expectProblem } from './problem.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const MIB = 1024 ** 2;

const OWN = { tags: 'own-process' };

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
let site: PageServer;
let session: Session;

beforeAll(async () => {
  site = await startPageServer(stack);
  site.on('/', '<title>Start</title><input type=file>');
  service = await startService(stack, { WARM_POOL_SIZE: '2' });
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());
beforeEach(async () => {
  session = await api.create();
});
afterEach(() => api.end(session.id));

const cdpUrl = (): string => session.cdpUrl ?? '';
const portUrl = (): string => `http://127.0.0.1:${session.cdpPort ?? 0}`;

async function attach(client: CdpClient): Promise<string> {
  const { targetInfos } = await client.send('Target.getTargets');
  const [target] = targetInfos as readonly { targetId: string }[];
  const { sessionId } = await client.send('Target.attachToTarget', { targetId: target?.targetId, flatten: true });
  return String(sessionId);
}

async function refusals(): Promise<Record<string, unknown>[]> {
  const answer = await api.call('GET', `/api/sessions/${session.id}/events`);
  const { events } = expectStatus<SessionEventList>(answer, 200);
  return events.filter(({ type }) => type === 'commandRefused').map(({ data }) => data);
}

describe('a command that is refused', () => {
  it('is answered with the reason and noted, and the client goes on', async () => {
    using client = await connectCdp(cdpUrl());
    await expect(client.send('SystemInfo.getInfo')).rejects.toThrow(
      /SystemInfo\.getInfo is refused.*paths of the host/,
    );
    await expect(client.send('Target.createTarget', { url: 'file:///etc/passwd' })).rejects.toThrow('file:');
    expect(await client.send('Browser.getVersion')).toMatchObject({ protocolVersion: '1.3' });
    await until('both are noted', async () => (await refusals()).length === 2);
    expect(await refusals()).toMatchObject([
      { method: 'SystemInfo.getInfo', why: expect.stringContaining('host') as string },
      { method: 'Target.createTarget' },
    ]);
  });

  it('is counted', { tags: 'one-node' }, async () => {
    using client = await connectCdp(cdpUrl());
    const counted = (): Promise<number> => readMetric(api, 'guise_cdp_commands_refused_total');
    const before = await counted();
    await expect(client.send('SystemInfo.getInfo')).rejects.toThrow('refused');
    expect(await counted()).toBe(before + 1);
  });

  it.each([
    ['Target.createTarget', { url: ' \tFi\nle:///etc/hostname' }],
    ['Target.createTarget', { url: 'view-source:file:///etc/hostname' }],
    ['Target.createTarget', { url: 'chrome://version' }],
    ['Target.createTarget', { url: 'chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai/index.html' }],
    ['Target.createBrowserContext', { proxyServer: 'http://127.0.0.1:1' }],
    ['Target.exposeDevToolsProtocol', { targetId: 'x' }],
    ['Target.setRemoteLocations', { locations: [{ host: '127.0.0.1', port: 1 }] }],
    [
      'Target.sendMessageToTarget',
      { message: '{"id":1,"method":"Page.navigate","params":{"url":"file:///etc/hostname"}}' },
    ],
    ['Extensions.loadUnpacked', { path: '/etc' }],
    ['Tethering.bind', { port: 8_999 }],
    ['Browser.crash', {}],
    ['Tracing.start', { perfettoConfig: 'AAAA' }],
  ])('may be %s %j', async (method, params) => {
    using client = await connectCdp(cdpUrl());
    await expect(client.send(method, params)).rejects.toThrow(`${method} is refused here`);
    expect(await client.send('Browser.getVersion')).toBeDefined();
  });

  it(
    'is refused on the session’s own port as well, for the browser and for a page',
    { tags: 'same-machine' },
    async () => {
      const list = expectStatus<{ webSocketDebuggerUrl: string }[]>(await send(`${portUrl()}/json/list`), 200);
      const version = expectStatus<{ webSocketDebuggerUrl: string }>(await send(`${portUrl()}/json/version`), 200);
      using page = await connectCdp(list[0]?.webSocketDebuggerUrl ?? '');
      await expect(page.send('Page.navigate', { url: 'file:///etc/hostname' })).rejects.toThrow('is refused here');
      using browser = await connectCdp(version.webSocketDebuggerUrl);
      await expect(browser.send('Target.createTarget', { url: 'file:///etc/hostname' })).rejects.toThrow(
        'is refused here',
      );
      for (const url of ['file:///etc/hostname', 'chrome://version', ' FILE:///etc/hostname']) {
        const answer = await send(`${portUrl()}/json/new?${encodeURIComponent(url)}`, { method: 'PUT' });
        expectProblem(answer, 400, 'VALIDATION_FAILED');
      }
      expect(await api.evaluate(session.id, 'location.href')).toBe('about:blank');
    },
  );

  it('fills the history of its session no faster than it can be read', async () => {
    using client = await connectCdp(cdpUrl());
    const tries = Array.from({ length: 200 }, () => client.send('Browser.crash').catch(() => undefined));
    await Promise.all(tries);
    await until('some are noted', async () => (await refusals()).length >= 20);
    expect(await refusals()).toHaveLength(20);
  });

  it('names an unknown command as Chromium does', async () => {
    using client = await connectCdp(cdpUrl());
    await expect(client.send('No.such')).rejects.toThrow("'No.such' wasn't found");
    expect(await refusals()).toEqual([]);
  });
});

describe('files', () => {
  it('of the session’s folder can be given to a page, others not', async () => {
    await api.navigate(session.id, `${site.origin}/`);
    using client = await connectCdp(cdpUrl());
    const sessionId = await attach(client);
    const { root } = await client.send('DOM.getDocument', {}, sessionId);
    const { nodeId } = await client.send(
      'DOM.querySelector',
      { nodeId: (root as { nodeId: number }).nodeId, selector: 'input' },
      sessionId,
    );
    const setFiles = (files: string[]): Promise<unknown> =>
      client.send('DOM.setFileInputFiles', { nodeId, files }, sessionId);
    await expect(setFiles(['/etc/hostname'])).rejects.toThrow('folder of the session');
  });

  it('that are downloaded go to the session’s folder, whatever folder the client names', OWN, async () => {
    site.on('/file', (_request, response) => {
      response.writeHead(200, { 'content-disposition': 'attachment; filename="report.txt"' }).end('downloaded');
    });
    using client = await connectCdp(cdpUrl());
    const elsewhere = path.join(service.dataDir, 'elsewhere');
    await mkdir(elsewhere, { recursive: true });
    await client.send('Browser.setDownloadBehavior', {
      behavior: 'allow',
      downloadPath: elsewhere,
      eventsEnabled: true,
    });
    const sessionId = await attach(client);
    await client.send('Page.navigate', { url: `${site.origin}/file` }, sessionId).catch(() => undefined);
    const find = async (): Promise<string | undefined> => {
      const folders = await readdir(path.join(service.dataDir, 'browsers'));
      const files = await Promise.all(
        folders.map(async (folder) => {
          const downloads = path.join(service.dataDir, 'browsers', folder, 'downloads');
          return (await readdir(downloads).catch(() => [])).map((name) => path.join(downloads, name));
        }),
      );
      return files.flat().find((file) => file.endsWith('report.txt'));
    };
    const file = await until('the file is there', find);
    expect(await readdir(elsewhere)).toEqual([]);

    // It can be given to a page: it lies in the session's own folder.
    await client.send('Page.navigate', { url: `${site.origin}/` }, sessionId);
    const evaluated = await until('there is an input', async () => {
      const { result } = await client.send(
        'Runtime.evaluate',
        { expression: 'document.querySelector("input")' },
        sessionId,
      );
      return (result as { objectId?: string }).objectId;
    });
    const setFile = (each: string): Promise<unknown> =>
      client.send('DOM.setFileInputFiles', { objectId: evaluated, files: [each] }, sessionId);
    await expect(setFile(`${service.dataDir}/browsers/../instance`)).rejects.toThrow('folder of the session');
    await setFile(file);
    expect(await api.evaluate(session.id, 'document.querySelector("input").files[0].text()')).toBe('downloaded');
  });
});

describe('messages', () => {
  it('each count as a request', async () => {
    const before = (await api.get(session.id)).requestCount;
    using client = await connectCdp(cdpUrl());
    for (let sent = 0; sent < 7; sent += 1) await client.send('Browser.getVersion');
    await client.send('Browser.crash').catch(() => undefined);
    const { requestCount } = await until('they are counted', async () => {
      const found = await api.get(session.id);
      return found.requestCount >= before + 8 && found;
    });
    expect(requestCount).toBe(before + 8);
  });

  it('that are large pass whole; those that are looked at only up to 32 MiB', async () => {
    using client = await connectCdp(cdpUrl());
    const sessionId = await attach(client);
    const expression = `${JSON.stringify('"\\'.repeat(4 * MIB))}.length`;
    const { result } = await client.send('Runtime.evaluate', { expression }, sessionId);
    expect(result).toMatchObject({ value: 8 * MIB });
    const huge = { url: `data:text/plain,${'x'.repeat(33 * MIB)}` };
    await expect(client.send('Page.navigate', huge, sessionId)).rejects.toThrow('32 MiB');
    expect(await client.send('Browser.getVersion')).toBeDefined();
  });
});
