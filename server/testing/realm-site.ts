import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

import { openPageServer } from './page-server.ts';

/** What a realm says of its browser, as far as all kinds of realm can. */
interface RealmReport {
  readonly values: Readonly<Record<string, unknown>>;
  /** Of the request that brought the report. */
  readonly headers: IncomingHttpHeaders;
}

/** Pages that hold every kind of realm; each reports to the server what it sees. */
export interface RealmSite {
  readonly origin: string;
  /** By name of realm. */
  readonly reports: ReadonlyMap<string, RealmReport>;
  /** The headers of all requests. */
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  clear(): void;
}

const DESCRIBE = `async function describe() {
  const { navigator } = globalThis;
  const gl = new OffscreenCanvas(1, 1).getContext('webgl');
  const info = gl?.getExtension('WEBGL_debug_renderer_info');
  const hints = await navigator.userAgentData?.getHighEntropyValues([
    'architecture', 'bitness', 'formFactors', 'fullVersionList', 'model', 'platformVersion', 'uaFullVersion', 'wow64',
  ]);
  const { timeZone, locale } = Intl.DateTimeFormat().resolvedOptions();
  return {
    userAgent: navigator.userAgent,
    platform: navigator.platform,
    language: navigator.language,
    languages: [...navigator.languages],
    cores: navigator.hardwareConcurrency,
    memory: navigator.deviceMemory,
    timeZone,
    locale,
    webdriver: navigator.webdriver ?? false,
    gpu: gl && [gl.getParameter(info.UNMASKED_VENDOR_WEBGL), gl.getParameter(info.UNMASKED_RENDERER_WEBGL)],
    hints,
  };
}
async function report(realm, origin = location.origin) {
  const values = await describe().catch((error) => ({ error: String(error) }));
  await fetch(origin + '/report?' + realm, { method: 'POST', body: JSON.stringify(values) });
}
`;

const WORKERS = `
new Worker('/worker.js?worker-of-REALM');
if (globalThis.SharedWorker) new SharedWorker('/shared-worker.js?shared-worker-of-REALM').port.start();
`;

const page = (realm: string, more = ''): string =>
  `<!doctype html><meta name="viewport" content="width=device-width"><title>${realm}</title>
<script src="/describe.js"></script><script>report('${realm}');${more}</script>`;

/** Frames of every kind, workers of every kind; the frame of another site has workers too. */
const mainPage = (origin: string): string =>
  `${page('main', WORKERS.replaceAll('REALM', 'main'))}<body>
<iframe src="/frame"></iframe>
<iframe src="${origin.replace('127.0.0.1', 'localhost')}/cross-site-frame"></iframe>
<iframe srcdoc="<script src='/describe.js'></script><script>report('srcdoc-frame', '${origin}')</script>"></iframe>
<script>
navigator.serviceWorker.register('/service-worker.js');
const frame = document.body.appendChild(document.createElement('iframe'));
frame.contentWindow.eval(${JSON.stringify(DESCRIBE)} + 'report("blank-frame", "${origin}")');
</script>`;

const SCRIPTS: Readonly<Record<string, string>> = {
  '/describe.js': DESCRIBE,
  '/worker.js': `${DESCRIBE} report(location.search.slice(1)); new Worker('/nested-worker.js?nested-' + location.search.slice(1));`,
  '/nested-worker.js': `${DESCRIBE} report(location.search.slice(1));`,
  '/shared-worker.js': `${DESCRIBE} report(location.search.slice(1));`,
  '/service-worker.js': `${DESCRIBE} report('service-worker');`,
};

const PAGES: Readonly<Record<string, string>> = {
  '/frame': page('same-site-frame'),
  '/cross-site-frame': page('cross-site-frame', WORKERS.replaceAll('REALM', 'cross-site-frame')),
  '/popup': page('popup'),
  '/window-without-opener': page('window-without-opener'),
};

/** The hints a server has to ask for before it is given them. */
const ACCEPTED_HINTS = [
  'Sec-CH-UA-Platform-Version',
  'Sec-CH-UA-Full-Version-List',
  'Sec-CH-UA-Arch',
  'Sec-CH-UA-Bitness',
  'Sec-CH-UA-Model',
  'Device-Memory',
];

/** Names of the realms a page of the site has, without the popup. */
export function listRealms(hasSharedWorkers: boolean): string[] {
  const roots = ['main', 'cross-site-frame'];
  return [
    ...roots,
    'same-site-frame',
    'srcdoc-frame',
    'blank-frame',
    'service-worker',
    ...roots.flatMap((root) => [`worker-of-${root}`, `nested-worker-of-${root}`]),
    ...(hasSharedWorkers ? roots.map((root) => `shared-worker-of-${root}`) : []),
  ];
}

/** Serves the site on loopback. `stack` stops it. */
export async function openRealmSite(stack: AsyncDisposableStack): Promise<RealmSite> {
  const reports = new Map<string, RealmReport>();
  const requests: { path: string; headers: IncomingHttpHeaders }[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', origin);
    const { pathname: path, search } = url;
    requests.push({ path, headers: request.headers });
    response.setHeader('accept-ch', ACCEPTED_HINTS.join(', '));
    if (path === '/report') {
      const values = JSON.parse(await text(request)) as RealmReport['values'];
      reports.set(search.slice(1), { values, headers: request.headers });
    }
    const script = SCRIPTS[path];
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
    response.end(script ?? (path === '/' ? mainPage(origin) : PAGES[path]));
  };
  const origin = await openPageServer(stack, (request, response) => void answer(request, response));
  return {
    origin,
    reports,
    requests,
    clear: () => {
      reports.clear();
      requests.length = 0;
    },
  };
}
