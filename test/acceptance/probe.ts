import type { IncomingHttpHeaders } from 'node:http';

import type { PageServer } from './page-server.ts';

/** What a page can find out about its browser from one of the places its scripts run in. */
interface Observation {
  readonly userAgent: string;
  readonly appVersion: string;
  readonly webdriver: boolean | undefined;
  readonly languages: readonly string[];
  readonly timezone: string;
  readonly numberFormat: string;
  readonly platform: string;
  /** `navigator.userAgentData` with all its high-entropy values; null where there is none. */
  readonly hints: Readonly<Record<string, unknown>> | null;
}

/** Places in which a page's scripts run. */
export const PLACES = ['window', 'iframe', 'foreignFrame', 'popup', 'worker', 'sharedWorker', 'serviceWorker'] as const;

export type Observations = Readonly<Record<(typeof PLACES)[number], Observation>>;

const OBSERVE = `async () => {
  const names = ['architecture', 'bitness', 'brands', 'formFactors', 'fullVersionList', 'model', 'platform',
    'platformVersion', 'uaFullVersion', 'wow64'];
  return {
    userAgent: navigator.userAgent,
    appVersion: navigator.appVersion,
    webdriver: navigator.webdriver,
    languages: navigator.languages,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    numberFormat: (1234.5).toLocaleString(),
    platform: navigator.platform,
    hints: navigator.userAgentData ? await navigator.userAgentData.getHighEntropyValues(names) : null,
  };
}`;

const FRAME = `<!doctype html><script>
  (${OBSERVE})().then((seen) => (window.opener ?? parent).postMessage(seen, '*'));
</script>`;

const WORKERS: Readonly<Record<string, string>> = {
  '/worker.js': `(${OBSERVE})().then((seen) => postMessage(seen));`,
  '/shared-worker.js': `onconnect = ({ ports: [port] }) => (${OBSERVE})().then((seen) => port.postMessage(seen));`,
  '/service-worker.js': `
    oninstall = () => skipWaiting();
    onactivate = (event) => event.waitUntil(clients.claim());
    onmessage = ({ source }) => (${OBSERVE})().then((seen) => source.postMessage(seen));`,
};

/** Runs in the page: collects what can be seen from every place. `foreign` is the same site under another name. */
export function collectScript(foreign: string): string {
  return `
    const from = (target) => new Promise((resolve) => {
      target.addEventListener('message', (event) => resolve(event.data), { once: true });
    });
    const frame = (url) => {
      const element = document.body.appendChild(document.createElement('iframe'));
      return new Promise((resolve) => {
        addEventListener('message', (event) => event.source === element.contentWindow && resolve(event.data));
        element.src = url;
      });
    };
    const openPopup = () => new Promise((resolve) => {
      const opened = open('/frame');
      addEventListener('message', (event) => {
        if (event.source !== opened) return;
        opened.close();
        resolve(event.data);
      });
    });
    const places = {
      window: async () => (${OBSERVE})(),
      iframe: () => frame('/frame'),
      foreignFrame: () => frame('${foreign}/frame'),
      popup: openPopup,
      worker: () => from(new Worker('/worker.js')),
      sharedWorker: () => {
        const { port } = new SharedWorker('/shared-worker.js');
        const answer = from(port);
        port.start();
        return answer;
      },
      serviceWorker: async () => {
        await navigator.serviceWorker.register('/service-worker.js');
        const { active } = await navigator.serviceWorker.ready;
        const answer = from(navigator.serviceWorker);
        active.postMessage('look');
        return answer;
      },
    };
    const seen = {};
    for (const [place, look] of Object.entries(places)) {
      const tooLong = new Promise((resolve) => setTimeout(resolve, 5000, { place, error: 'no answer' }));
      seen[place] = await Promise.race([look(), tooLong]);
    }
    return seen;`;
}

/** Puts the pages and workers of the probe on a site. */
export function serveProbe(site: PageServer): void {
  for (const [path, page] of Object.entries({
    '/probe': '<!doctype html><title>Probe</title><body>',
    '/frame': FRAME,
  })) {
    site.on(path, (_request, response) => {
      const headers = { 'content-type': 'text/html', 'accept-ch': HIGH_ENTROPY_HINTS.join(', ') };
      response.writeHead(200, headers).end(page);
    });
  }
  for (const [path, script] of Object.entries(WORKERS)) {
    site.on(path, (_request, response) => response.writeHead(200, { 'content-type': 'text/javascript' }).end(script));
  }
}

const HIGH_ENTROPY_HINTS = [
  'Sec-CH-UA-Arch',
  'Sec-CH-UA-Bitness',
  'Sec-CH-UA-Form-Factors',
  'Sec-CH-UA-Full-Version-List',
  'Sec-CH-UA-Model',
  'Sec-CH-UA-Platform-Version',
  'Sec-CH-UA-WoW64',
];

/** The headers of a request that say what browser sent it. */
export function identityHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => /^(user-agent|accept-language|sec-ch-ua.*)$/.test(name)),
  );
}
