import type { IncomingHttpHeaders } from 'node:http';

import type { Session } from '@guise/contract';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type CdpClient, connectCdp } from './cdp-client.ts';
import { startPageServer, type PageServer } from './page-server.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const LINK = '<a href=/link style="position:fixed;inset:0">link</a>';

interface TargetInfo {
  readonly targetId: string;
  readonly type: string;
  readonly url: string;
}

const stack = new AsyncDisposableStack();
const requests = new Map<string, IncomingHttpHeaders>();
let site: PageServer;
let service: Service;
let session: Session;

beforeAll(async () => {
  site = await startPageServer(stack);
  for (const path of ['/main', '/link', '/created', '/next']) {
    site.on(path, ({ headers }, response) => {
      requests.set(path, headers);
      response.writeHead(200, { 'content-type': 'text/html' }).end(LINK);
    });
  }
  service = await startService(stack, { WARM_POOL_SIZE: '0' });
});
afterAll(() => stack.disposeAsync());
beforeEach(async () => {
  requests.clear();
  session = await service.api.create({ stealthLevel: 'advanced', profile: { os: 'windows', seed: 3 } });
  await service.api.navigate(session.id, `${site.origin}/main`);
});
afterEach(() => service.api.end(session.id));

/** What a page opened this way asks for first has to say of the browser what all requests say. */
async function expectSameHints(path: string): Promise<void> {
  const hintsOf = (headers: IncomingHttpHeaders | undefined): [string, unknown][] =>
    Object.entries(headers ?? {}).filter(([name]) => name.startsWith('sec-ch-ua'));
  const first = await until(`${path} is asked for`, () => requests.get(path));
  expect(first['sec-ch-ua-platform']).toBe('"Windows"');
  expect(hintsOf(first)).toEqual(hintsOf(requests.get('/main')));
}

async function attachToPage(client: CdpClient): Promise<string> {
  const { targetInfos } = await client.send('Target.getTargets');
  const page = (targetInfos as readonly TargetInfo[]).find(({ url }) => url.endsWith('/main'));
  const { sessionId } = await client.send('Target.attachToTarget', { targetId: page?.targetId, flatten: true });
  return String(sessionId);
}

describe(
  'the first request of a page that opens with an address has the client hints of the identity',
  { tags: 'same-machine' },
  () => {
    it.each([{}, { newWindow: true }, { background: true }])('when a client creates it with %j', async (options) => {
      using client = await connectCdp(session.cdpUrl ?? '');
      const events: TargetInfo[] = [];
      client.onEvent(({ method, params }) => {
        if (method === 'Target.targetCreated') events.push(params['targetInfo'] as TargetInfo);
      });
      await client.send('Target.setDiscoverTargets', { discover: true });
      const { targetId } = await client.send('Target.createTarget', { url: `${site.origin}/created`, ...options });
      await expectSameHints('/created');
      // As without us: it is created with its address.
      expect(events.find((each) => each.targetId === targetId)).toMatchObject({ url: `${site.origin}/created` });
    });

    it('when several are created at once', async () => {
      using client = await connectCdp(session.cdpUrl ?? '');
      const urls = ['/created', '/next'].map((path) => `${site.origin}${path}`);
      await Promise.all(urls.map((url) => client.send('Target.createTarget', { url })));
      await expectSameHints('/created');
      await expectSameHints('/next');
    });

    it('when the debugging port is asked for it', async () => {
      const { status } = await fetch(
        `http://127.0.0.1:${session.cdpPort ?? 0}/json/new?${encodeURIComponent(`${site.origin}/created`)}`,
        { method: 'PUT' },
      );
      expect(status).toBe(200);
      await expectSameHints('/created');
    });

    it.each([
      { how: 'Ctrl', more: { modifiers: 2 }, button: 'left' },
      { how: 'Shift', more: { modifiers: 8 }, button: 'left' },
      { how: 'the middle button', more: {}, button: 'middle' },
    ])('when a client clicks a link with $how', async ({ more, button }) => {
      using client = await connectCdp(session.cdpUrl ?? '');
      const id = await attachToPage(client);
      for (const type of ['mousePressed', 'mouseReleased'])
        await client.send('Input.dispatchMouseEvent', { x: 60, y: 40, type, button, clickCount: 1, ...more }, id);
      await expectSameHints('/link');
    });

    it('when a middle click is asked for over REST', async () => {
      const actions = [{ type: 'click', x: 60, y: 40, button: 'middle' }];
      const { status } = await service.api.call('POST', `/api/sessions/${session.id}/input`, { actions });
      expect(status).toBe(200);
      await expectSameHints('/link');
    });

    it('when a page opens it without an opener', async () => {
      using client = await connectCdp(session.cdpUrl ?? '');
      const id = await attachToPage(client);
      const params = { expression: 'void open("/link", "_blank", "noopener")', userGesture: true };
      await client.send('Runtime.evaluate', params, id);
      await expectSameHints('/link');
    });
  },
);
