import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { until } from '../acceptance/until.ts';
import { formPage, FRAMED_PAGE } from './driver-script.ts';
import { MARKER_FAMILIES } from './marker-families.ts';
import { detectorScript, PAGE_HEADERS, pageScript, pageWith, realmScript, SCRIPT_HEADERS } from './probe-pages.ts';
import type { AbsentRealm, ProbeRequest, ProbeResult, RealmReport } from './probe-run.ts';
import { listRealms, REALM_TREE } from './realms.ts';

/** Realms tell within seconds, also on a machine that has much else to do. */
const PATIENCE_MS = 25_000;
const DETECTORS_PATIENCE_MS = 30_000;
const POLL_MS = 50;
const REALMS = listRealms(REALM_TREE);

/** What the detectors say, each in its own words. */
export interface DetectorReport {
  readonly botd: { readonly bot: boolean; readonly botKind?: string } | { readonly error: string };
  readonly fpscanner: { readonly detected: readonly string[] } | { readonly error: string };
  readonly fingerprintjs:
    | { readonly visitorId: string; readonly components: Readonly<Record<string, { readonly value?: unknown }>> }
    | { readonly error: string };
}

/** One visit to the probe: addresses to send a browser to, and what came of it. */
export interface Visit {
  /** A page without anything, which asks for client hints: the first request of all cannot have been told to send them. */
  readonly startUrl: string;
  /** The probe. A click lets it open its popups. */
  readonly probeUrl: string;
  /** Both pages, for a browser in which nobody clicks and any page may open windows. */
  readonly unattendedUrl: string;
  /** The detectors. */
  readonly detectorsUrl: string;
  /** A form to be driven; see driver-script.ts. */
  readonly formUrl: string;
  /** Waits until every realm has told something or said why not, or time is up: then those that did not are silent. */
  probed(): Promise<ProbeResult>;
  /** Resolves when the start page has been asked for. @throws when it is not in time */
  started(): Promise<void>;
  /** Resolves when the main page has told that it is there to be clicked. @throws when it is not in time */
  ready(): Promise<void>;
  /** What the detectors said. @throws when they say nothing in time */
  detected(): Promise<DetectorReport>;
}

/** The probe's sites. Disposing it ends all their connections. */
export interface ProbeSite extends AsyncDisposable {
  /** Site of the main page, such as `http://127.0.0.1:34567`. */
  readonly origin: string;
  openVisit(): Visit;
}

interface Run {
  readonly reports: Map<string, RealmReport>;
  readonly absent: Map<string, string>;
  readonly requests: ProbeRequest[];
  detected: DetectorReport | undefined;
}

const newRun = (): Run => ({ reports: new Map(), absent: new Map(), requests: [], detected: undefined });

/** Whether the run has heard of every realm. */
function isComplete({ reports, absent }: Run): boolean {
  return REALMS.every(({ realm }) => reports.has(realm) || absent.has(realm));
}

function resultOf(run: Run): ProbeResult {
  const isSilent = (realm: string): boolean => !run.reports.has(realm) && !run.absent.has(realm);
  return {
    tree: REALM_TREE,
    reports: run.reports,
    absent: run.absent,
    silent: REALMS.map(({ realm }) => realm).filter(isSilent),
    requests: run.requests,
    families: MARKER_FAMILIES,
  };
}

const KINDS: Readonly<Record<string, string>> = { '/probe': 'document', '/frame': 'document', '/realm.js': 'script' };

function describeRequest(request: IncomingMessage, url: URL): ProbeRequest {
  return {
    realm: url.searchParams.get('realm') ?? 'main',
    kind: url.searchParams.get('kind') ?? KINDS[url.pathname] ?? url.pathname.slice(1),
    method: request.method ?? '',
    headers: request.headers,
    headerNames: request.rawHeaders.filter((_each, index) => index % 2 === 0),
  };
}

/** The sites' answers, and what they learn. */
class ProbeAnswers {
  readonly runs = new Map<string, Run>();
  readonly #sites: readonly string[];

  constructor(sites: readonly string[]) {
    this.#sites = sites;
  }

  /** Notes a request with the run it belongs to; undefined when it belongs to none. */
  note(request: IncomingMessage): { run: Run; url: URL } | undefined {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'nowhere'}`);
    const run = this.runs.get(url.searchParams.get('run') ?? '');
    run?.requests.push(describeRequest(request, url));
    return run && { run, url };
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const noted = this.note(request);
    const url = noted?.url ?? new URL(request.url ?? '/', 'http://nowhere');
    if (url.pathname.startsWith('/detector/')) {
      response.writeHead(200, SCRIPT_HEADERS).end(detectorScript(url.pathname.slice('/detector/'.length)) ?? '');
      return;
    }
    if (noted === undefined) {
      response.writeHead(404).end();
      return;
    }
    const answers: Readonly<Record<string, () => void | Promise<void>>> = {
      '/start': () => {
        const next = `/probe?run=${url.searchParams.get('run') ?? ''}&unattended`;
        const script = url.searchParams.has('unattended') ? `<script>location.replace('${next}')</script>` : '';
        response.writeHead(200, PAGE_HEADERS).end(pageWith(script, 'Start'));
      },
      '/form': () =>
        void response
          .writeHead(200, PAGE_HEADERS)
          .end(formPage(this.#sites[1] ?? '', url.searchParams.get('run') ?? '')),
      '/framed': () => void response.writeHead(200, PAGE_HEADERS).end(FRAMED_PAGE),
      '/probe': () => this.#page(response, url),
      '/frame': () => this.#page(response, url),
      '/realm.js': () => this.#script(response, url),
      '/worklet.js': () => this.#script(response, url),
      '/detectors': () =>
        void response
          .writeHead(200, PAGE_HEADERS)
          .end(pageWith(`<script type=module>${pageScript('detectors')}</script>`)),
      '/report': () => this.#report(request, response, noted),
      '/detected': () => this.#report(request, response, noted),
      '/events': () => void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n'),
      '/redirect': () => void response.writeHead(302, { location: `/asset${url.search}&after=redirect` }).end(),
      '/module.js': () => void response.writeHead(200, SCRIPT_HEADERS).end('export {};'),
      '/cached': () =>
        void response.writeHead(request.headers['if-none-match'] === '"1"' ? 304 : 200, { etag: '"1"' }).end(),
    };
    await (answers[url.pathname] ?? (() => void response.writeHead(200, { 'content-type': 'text/css' }).end()))();
  }

  #page(response: ServerResponse, url: URL): void {
    const source = `/realm.js${url.search}${url.searchParams.has('realm') ? '' : '&realm=main'}`;
    response.writeHead(200, PAGE_HEADERS).end(pageWith(`<script src="${source}"></script>`));
  }

  #script(response: ServerResponse, url: URL): void {
    const realm = REALMS.find((each) => each.realm === url.searchParams.get('realm'));
    const [main = ''] = this.#sites;
    const plan = {
      run: url.searchParams.get('run') ?? '',
      base: url.origin,
      sites: this.#sites,
      families: MARKER_FAMILIES,
      stunUrl: `stun:127.0.0.1:${new URL(main).port}`,
    };
    response.writeHead(200, SCRIPT_HEADERS).end(realm === undefined ? '' : realmScript(realm, plan));
  }

  async #report(request: IncomingMessage, response: ServerResponse, noted: { run: Run; url: URL }): Promise<void> {
    const said = JSON.parse(await text(request)) as RealmReport | AbsentRealm | DetectorReport;
    const realm = noted.url.searchParams.get('realm') ?? 'main';
    if ('values' in said) noted.run.reports.set(realm, said);
    else if ('absent' in said) noted.run.absent.set(realm, said.absent);
    else noted.run.detected = said;
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end();
  }
}

async function listen(server: Server, host: string): Promise<number> {
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(0, host, listening.resolve);
  await listening.promise;
  return (server.address() as AddressInfo).port;
}

/**
 * Starts the probe's three sites: 127.0.0.1, localhost and 127.0.0.2 are different sites, and all of them secure contexts.
 * `stack` stops them.
 */
export async function startProbeSite(stack: AsyncDisposableStack): Promise<ProbeSite> {
  const sites: string[] = [];
  const answers = new ProbeAnswers(sites);
  const servers = [0, 1].map(() =>
    createServer((request, response) => {
      answers.answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    }).on('upgrade', (request, socket) => {
      answers.note(request);
      socket.destroy();
    }),
  );
  const [first, second] = servers;
  if (first === undefined || second === undefined) throw new Error('There are two servers');
  const port = await listen(first, '127.0.0.1');
  const otherPort = await listen(second, '127.0.0.2');
  sites.push(`http://127.0.0.1:${port}`, `http://localhost:${port}`, `http://127.0.0.2:${otherPort}`);
  const [origin = ''] = sites;
  return stack.use({
    origin,
    openVisit: () => openVisit(origin, answers.runs),
    async [Symbol.asyncDispose]() {
      const closing = servers.map(async (server) => {
        const closed = Promise.withResolvers<void>();
        server.close(() => closed.resolve());
        server.closeAllConnections();
        await closed.promise;
      });
      await Promise.all(closing);
    },
  });
}

function openVisit(origin: string, runs: Map<string, Run>): Visit {
  const id = randomUUID();
  const run = newRun();
  runs.set(id, run);
  const wait = { timeoutMs: PATIENCE_MS, pollMs: POLL_MS };
  return {
    startUrl: `${origin}/start?run=${id}`,
    probeUrl: `${origin}/probe?run=${id}`,
    unattendedUrl: `${origin}/start?run=${id}&unattended`,
    detectorsUrl: `${origin}/detectors?run=${id}`,
    formUrl: `${origin}/form?run=${id}`,
    ready: async () => void (await until('the probe runs', () => run.reports.size > 0, wait)),
    started: async () =>
      void (await until('the start page is asked for', () => run.requests.some(({ kind }) => kind === 'start'), wait)),
    probed: async () => {
      // Whoever is silent after that is named in the result, which is worth more than an error here.
      await until('every realm has told something', () => isComplete(run), wait).catch(() => undefined);
      return resultOf(run);
    },
    detected: () =>
      until('the detectors have said something', () => run.detected, { ...wait, timeoutMs: DETECTORS_PATIENCE_MS }),
  };
}
