import { text } from 'node:stream/consumers';

import type { Api } from './api.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { until } from './until.ts';

/** What a realm of the site has noticed of whoever drives its browser. */
export interface Findings {
  readonly realm: string;
  /** How often the stack of an error was read that only went to the console. */
  readonly stackReads: number;
  /** What a table in the console costs, against the same written as JSON. */
  readonly tableCost: number;
  /** All global names. */
  readonly names: readonly string[];
  /** Those of them that can be enumerated. */
  readonly enumerable: readonly string[];
  /** Stacks, and texts of functions on them, of all who have called `watched`. */
  readonly stacks: readonly string[];
}

/** A table costs more than this only when somebody reads it. */
const READ_TABLE_COST = 8;

/**
 * The script every realm of the site begins with. `probe` gives what it has noticed; `watched` is a function of the page that a client may
 * call.
 */
const WATCH = `(() => {
  const stacks = [];
  self.secret = 'of the page';
  self.watched = (value) => {
    const prepare = Error.prepareStackTrace;
    Error.prepareStackTrace = (error, sites) => sites.slice(1).map((site) =>
      [site.getFunctionName(), site.getTypeName(), site.getFileName(), site.getScriptNameOrSourceURL(), site.getEvalOrigin(), site.getFunction()].join(' ')
    ).join('|');
    stacks.push(new Error('watched').stack);
    Error.prepareStackTrace = prepare;
    stacks.push(new Error('watched').stack);
    return value;
  };
  const best = (act) => Math.min(...Array.from({ length: 3 }, () => {
    const from = performance.now();
    act();
    return performance.now() - from;
  }));
  const rows = Array.from({ length: 300 }, (_, row) => Object.fromEntries(Array.from({ length: 100 }, (_, column) => ['k' + column, row * column])));
  self.probe = (realm) => {
    let stackReads = 0;
    const prepare = Error.prepareStackTrace;
    Error.prepareStackTrace = () => { stackReads += 1; return ''; };
    console.log(new Error('probe'));
    console.debug(new Error('probe'), { error: new Error('probe') });
    Error.prepareStackTrace = prepare;
    const tableCost = best(() => console.table(rows)) / best(() => JSON.stringify(rows));
    debugger;
    const names = Object.getOwnPropertyNames(self).filter((name) => !/^\\d+$/.test(name));
    const enumerable = names.filter((name) => Object.getOwnPropertyDescriptor(self, name).enumerable);
    return { realm, stackReads, tableCost, names, enumerable, stacks };
  };
  const isWorker = typeof document === 'undefined';
  const report = (realm) => fetch('/report', { method: 'POST', body: JSON.stringify(probe(realm)) });
  if (isWorker) {
    self.onmessage = () => report(self.registration ? 'service worker' : 'worker');
  } else {
    addEventListener('message', (event) => event.data === 'probe' && report(location.pathname.slice(1) + (origin.includes('localhost') ? ' of another site' : '')));
  }
})();`;

const MAIN = `<!doctype html><title>Watchful</title><script src=/watch.js></script>
  <h1 id=heading>Hello</h1><input id=name aria-label=Name><button id=greet>Greet</button><p id=greeting></p>
  <a id=popup target=_blank rel=opener href=/popup>popup</a><input type=file id=file><button id=probe>Probe</button>
  <iframe name=near src=/frame></iframe><iframe name=far></iframe>
  <script>
    console.log('loading', 1, null);
    document.querySelector('[name=far]').src = location.href.replace('127.0.0.1', 'localhost').replace(/\\/[^/]*$/, '/frame');
    greet.onclick = () => { greeting.textContent = 'Hello ' + document.querySelector('#name').value; };
    self.worker = new Worker('/worker.js', { name: 'near' });
    navigator.serviceWorker.register('/service-worker.js');
    document.querySelector('#probe').onclick = async () => {
      postMessage('probe');
      for (const frame of document.querySelectorAll('iframe')) frame.contentWindow.postMessage('probe', '*');
      worker.postMessage('probe');
      (await navigator.serviceWorker.ready).active.postMessage('probe');
    };
  </script>`;

/** Realms of the site that answer when its button is clicked. */
export const REALMS = ['main', 'frame', 'frame of another site', 'worker', 'service worker'] as const;

/** A web site that looks for signs of automation in all its realms. */
export interface WatchfulSite {
  readonly origin: string;
  /** Address of the page with all realms. */
  readonly url: string;
  readonly server: PageServer;
  /** Waits until each of these realms has reported once more, after `act` has made it do so. */
  findingsOf(realms: readonly string[], act: () => Promise<unknown>): Promise<Findings[]>;
  /** What it finds in a session nobody drives but over REST, which never sends what a page could notice. */
  pristineFindings(api: Api): Promise<Findings[]>;
}

/** Starts the site. `stack` stops it. */
export async function startWatchfulSite(stack: AsyncDisposableStack): Promise<WatchfulSite> {
  const server = await startPageServer(stack);
  const script = (path: string, source: string): void =>
    server.on(path, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(source);
    });
  let reports: Findings[] = [];
  script('/watch.js', WATCH);
  script('/worker.js', `importScripts('/watch.js');`);
  script('/service-worker.js', `importScripts('/watch.js'); onactivate = (event) => event.waitUntil(clients.claim());`);
  server.on('/main', MAIN);
  server.on('/frame', '<!doctype html><title>Frame</title><script src=/watch.js></script><p id=inside>inside</p>');
  server.on('/popup', '<!doctype html><title>Popup</title><script src=/watch.js></script><p id=inside>popup</p>');
  server.on('/report', (request, response) => {
    void text(request).then((body) => {
      reports.push(JSON.parse(body) as Findings);
      response.end();
    });
  });
  const url = `${server.origin}/main`;
  const site: WatchfulSite = {
    origin: server.origin,
    url,
    server,
    async pristineFindings(api) {
      const { id } = await api.create({ stealthLevel: 'basic' });
      await api.navigate(id, url);
      const findings = await site.findingsOf(REALMS, () =>
        api.evaluate(id, 'document.querySelector("#probe").click()'),
      );
      await api.end(id);
      return findings;
    },
    async findingsOf(realms, act) {
      reports = [];
      await act();
      await until(`all of ${realms.join(', ')} have reported`, () =>
        realms.every((realm) => reports.some((report) => report.realm === realm)),
      );
      return reports.filter(({ realm }) => realms.includes(realm));
    },
  };
  return site;
}

/** Words by which a page would know a driver. */
const DRIVER = /pptr|puppeteer|playwright|utilityscript|__pw|cdp|devtools|sourceurl/i;

/**
 * What of the findings gives a client away, in words; empty when nothing does.
 *
 * `pristine`: what the site finds where nobody drives the browser. `own`: names the client has given to things in the page.
 */
export function toSuspicions(
  findings: readonly Findings[],
  { pristine, own = [] }: { readonly pristine: readonly Findings[]; readonly own?: readonly string[] },
): string[] {
  const known = new Set([...pristine.flatMap(({ names }) => names), ...own]);
  return findings.flatMap(({ realm, stackReads, tableCost, names, enumerable, stacks }) => [
    ...(stackReads > 0 ? [`${realm}: stack read ${stackReads} times`] : []),
    ...(tableCost > READ_TABLE_COST ? [`${realm}: a table costs ${tableCost.toFixed(1)}`] : []),
    ...names
      .filter((name) => !known.has(name) && (enumerable.includes(name) || DRIVER.test(name)))
      .map((name) => `${realm}: has ${name}`),
    ...stacks.filter((stack) => DRIVER.test(stack)).map((stack) => `${realm}: was called by ${stack}`),
  ]);
}
