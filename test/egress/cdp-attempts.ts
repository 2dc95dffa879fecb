import { send } from '../acceptance/http-client.ts';
import { type Driver, type DriverAttempt, nextEvent } from './driver-attempt.ts';
import type { Aim } from './page-attempt.ts';

type Run = DriverAttempt['run'];
const connection = (title: string, run: Run): DriverAttempt => ({ title, ends: 'connection', run });
const command = (title: string, method: string, params: (aim: Aim) => object): DriverAttempt => ({
  title,
  ends: 'command',
  run: ({ client, tab }, aim) =>
    client.send(method, params(aim), /^(Target|Browser|Tethering|SystemInfo)\./.test(method) ? undefined : tab),
});

const evaluate = ({ client, tab }: Driver, expression: string): Promise<unknown> =>
  client.send('Runtime.evaluate', { expression, awaitPromise: true, userGesture: true }, tab);
/** Has the attacker's own page asked for, stops the request, and does something with it. */
async function withPaused(driver: Driver, act: (requestId: unknown) => Promise<unknown>): Promise<void> {
  const { client, tab, site } = driver;
  await client.send('Fetch.enable', {}, tab);
  const paused = nextEvent(client, 'Fetch.requestPaused');
  const visited = client.send('Page.navigate', { url: `${site.origin}/` }, tab);
  const { params } = await paused;
  await act(params['requestId']);
  await client.send('Fetch.disable', {}, tab);
  await visited;
}

/** Addresses that are opened by a client of the browser. */
const OPENED: readonly DriverAttempt[] = [
  connection('Page.navigate', ({ client, tab }, { url }) => client.send('Page.navigate', { url }, tab)),
  connection('Page.navigate of a subframe', async (driver, { url }) => {
    const { client, tab } = driver;
    await evaluate(driver, "document.body.append(document.createElement('iframe'))");
    const { frameTree } = await client.send('Page.getFrameTree', {}, tab);
    const { childFrames } = frameTree as { childFrames: { frame: { id: string } }[] };
    return client.send('Page.navigate', { url, frameId: childFrames[0]?.frame.id }, tab);
  }),
  connection('Target.createTarget', ({ client }, { url }) => client.send('Target.createTarget', { url })),
  connection('Target.createTarget in a context of its own', async ({ client }, { url }) => {
    const { browserContextId } = await client.send('Target.createBrowserContext');
    return client.send('Target.createTarget', { url, browserContextId });
  }),
  connection('Target.createTarget of a source view', ({ client }, { url }) =>
    client.send('Target.createTarget', { url: `view-source:${url}` }),
  ),
  connection('/json/new of the debugging port', ({ session }, { url }) =>
    send(`http://127.0.0.1:${session.cdpPort ?? 0}/json/new?${encodeURIComponent(url)}`, { method: 'PUT' }),
  ),
  connection('Page.setDocumentContent with an image', async ({ client, tab }, { url }) => {
    const { frameTree } = await client.send('Page.getFrameTree', {}, tab);
    const { frame } = frameTree as { frame: { id: string } };
    return client.send('Page.setDocumentContent', { frameId: frame.id, html: `<img src="${url}">` }, tab);
  }),
];

/** Requests that are changed on their way. */
const CHANGED: readonly DriverAttempt[] = [
  connection('Fetch.fulfillRequest with a redirect', (driver, { url }) =>
    withPaused(driver, (requestId) => {
      const responseHeaders = [{ name: 'Location', value: url }];
      return driver.client.send('Fetch.fulfillRequest', { requestId, responseCode: 302, responseHeaders }, driver.tab);
    }),
  ),
  connection('Fetch.continueRequest with another address', (driver, { url }) =>
    withPaused(driver, (requestId) => driver.client.send('Fetch.continueRequest', { requestId, url }, driver.tab)),
  ),
  {
    title: 'Network.setExtraHTTPHeaders with another host',
    ends: 'nothing',
    run: async (driver, { place }) => {
      await driver.client.send('Network.enable', {}, driver.tab);
      await driver.client.send('Network.setExtraHTTPHeaders', { headers: { Host: place } }, driver.tab);
      await driver.client.send('Page.navigate', { url: `${driver.site.origin}/host` }, driver.tab);
    },
  },
  {
    title: 'Fetch.continueRequest with another host and headers of proxies',
    ends: 'command',
    run: (driver, { place, url }) =>
      withPaused(driver, (requestId) => {
        const headers = [
          ['Host', place],
          ['X-Forwarded-Host', place],
          ['X-Original-URL', url],
        ].map(([name, value]) => ({ name, value }));
        return driver.client.send('Fetch.continueRequest', { requestId, headers }, driver.tab);
      }),
  },
];

/** Commands that would move the browser's traffic, or open something else. */
const REFUSED: readonly DriverAttempt[] = [
  command('a context with a proxy', 'Target.createBrowserContext', ({ url }) => ({ proxyServer: url })),
  command('a context past the proxy', 'Target.createBrowserContext', () => ({ proxyBypassList: '*' })),
  command('a context with its own proxy settings', 'Target.createBrowserContext', ({ url }) => ({
    proxyServer: `pac+${url}`,
    proxyBypassList: '<local>',
  })),
  command('a context whose sites may read others', 'Target.createBrowserContext', ({ url }) => ({
    originsWithUniversalNetworkAccess: [url],
  })),
  command('targets elsewhere', 'Target.setRemoteLocations', ({ place }) => ({
    locations: [{ host: place.split(':')[0], port: Number(place.split(':')[1]) }],
  })),
  command('a port of the host', 'Tethering.bind', ({ place }) => ({ port: Number(place.split(':')[1]) })),
  command('an extension by its path', 'Extensions.loadUnpacked', () => ({ path: '/usr/share' })),
  command('the protocol in a page', 'Target.exposeDevToolsProtocol', () => ({ targetId: 'any' })),
  command('the command line', 'Browser.getBrowserCommandLine', () => ({})),
  command('a command in a command', 'Target.sendMessageToTarget', ({ url }) => ({
    message: JSON.stringify({ id: 1, method: 'Target.createBrowserContext', params: { proxyServer: url } }),
  })),
];

export const CDP_ATTEMPTS: readonly DriverAttempt[] = [...OPENED, ...CHANGED, ...REFUSED];
