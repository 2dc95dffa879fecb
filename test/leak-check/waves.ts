import type { CreateSession, Session, SessionEventList } from '@guise/contract';

import { type Api, expectStatus } from '../acceptance/api.ts';
import { browserPid, connectCdp, tryUpgrade } from '../acceptance/cdp-client.ts';
import { send } from '../acceptance/http-client.ts';
import type { Service } from '../acceptance/service.ts';
import { until } from '../acceptance/until.ts';
import { rendererPids, signalBrowser } from '../faults/browser-signal.ts';
import { CANCEL_AFTER_MS, cancelCreate } from '../faults/cancelled-create.ts';
import { connectAddress } from '../faults/connect-address.ts';
import { openEventStream } from '../faults/open-event-stream.ts';
import { vanishByReset, vanishInHandshake, vanishWithoutReading } from '../faults/vanishing-client.ts';

const CLOSE_TIMEOUT_MS = 60_000;
/** Event streams of one session. */
const STREAMS = 20;

/** What a wave works with. */
export interface WaveDeps {
  readonly service: Service;
  readonly api: Api;
  /** Of a site with a page. */
  readonly origin: string;
}

/** Something done to the service again and again, after which it must hold what it held before. */
export interface Wave {
  readonly name: string;
  /** How often it is done. */
  readonly rounds: number;
  /** Does it once; the rounds of a wave run some at once. Gives the sessions it has asked for. */
  readonly run: (deps: WaveDeps) => Promise<number>;
}

/** Everything that can happen to a session, and to those who use it. */
export const WAVES: readonly Wave[] = [
  { name: 'create, use, delete', rounds: 12, run: useAndEnd },
  { name: 'with a window', rounds: 4, run: showAndEnd },
  { name: 'browser killed', rounds: 10, run: killBrowser },
  { name: 'renderer killed', rounds: 4, run: killRenderer },
  { name: 'browser hangs', rounds: 4, run: hang },
  { name: 'client vanishes', rounds: 4, run: vanish },
  { name: 'client of /connect vanishes', rounds: 4, run: connectAndVanish },
  // With the options of the warm pool, and with others: a browser is launched then as if there were no pool.
  { name: 'warm create broken off', rounds: 2, run: (deps) => breakOff(deps, {}) },
  { name: 'cold create broken off', rounds: 2, run: (deps) => breakOff(deps, { locale: 'de-DE' }) },
  { name: 'restarted at a limit', rounds: 3, run: restart },
  { name: 'idle time-out', rounds: 6, run: idle },
  { name: 'event streams left open', rounds: 8, run: leaveStreams },
  { name: 'invalid requests', rounds: 10, run: askWrongly },
];

async function closed(api: Api, id: string, reason: string): Promise<void> {
  const isClosed = async (): Promise<Session | false> => {
    const session = await api.get(id);
    return session.state === 'CLOSED' && session;
  };
  const { closeReason } = await until(`session ${id} is closed`, isClosed, { timeoutMs: CLOSE_TIMEOUT_MS });
  if (closeReason !== reason) throw new Error(`Session ${id} ended with ${closeReason ?? '?'}, not ${reason}`);
}

/** Whether the page is there within moments; one that was sent off at a bad one is sent off again. */
async function navigates(api: Api, id: string, url: string): Promise<boolean> {
  return (await api.call('POST', `/api/sessions/${id}/navigate`, { url, timeoutMs: 3_000 })).status === 200;
}

async function useAndEnd({ api, origin }: WaveDeps): Promise<number> {
  const { id, cdpUrl } = await api.create({ startUrl: `${origin}/` });
  using client = await connectCdp(cdpUrl ?? '');
  // The start page may still be on its way, and get in the way of this one.
  await until('the page is loaded', () => navigates(api, id, `${origin}/`));
  await api.evaluate(id, 'document.title');
  const { status } = await api.call('POST', `/api/sessions/${id}/screenshot`);
  if (status !== 200) throw new Error(`A screenshot was answered ${status}`);
  await client.send('Target.createTarget', { url: `${origin}/` });
  await api.end(id);
  await client.closed;
  return 1;
}

async function showAndEnd({ api, origin }: WaveDeps): Promise<number> {
  const { id } = await api.create({ headless: false });
  await api.navigate(id, `${origin}/`);
  await api.end(id);
  return 1;
}

async function killBrowser({ api, service }: WaveDeps): Promise<number> {
  const { id, cdpUrl } = await api.create();
  using client = await connectCdp(cdpUrl ?? '');
  const working = api.call('POST', `/api/sessions/${id}/execute`, { code: 'new Promise(() => {})' });
  signalBrowser(await browserPid(cdpUrl ?? ''), service.dataDir, 'SIGKILL');
  await client.closed;
  expectStatus(await working, 410);
  await closed(api, id, 'browser_crashed');
  return 1;
}

async function killRenderer({ api, service, origin }: WaveDeps): Promise<number> {
  const { id, cdpUrl } = await api.create();
  await api.navigate(id, `${origin}/`);
  for (const pid of await rendererPids(cdpUrl ?? '')) signalBrowser(pid, service.dataDir, 'SIGKILL');
  // A tab that is still dying takes the address with it.
  await until('the page is back', () => navigates(api, id, `${origin}/`));
  await api.end(id);
  return 1;
}

/** Three browsers hang: one is closed for it, one answers again, one is deleted meanwhile. */
async function hang({ api, service }: WaveDeps): Promise<number> {
  const sessions = await Promise.all([api.create(), api.create(), api.create()]);
  const pids = await Promise.all(sessions.map(({ cdpUrl }) => browserPid(cdpUrl ?? '')));
  for (const pid of pids) signalBrowser(pid, service.dataDir, 'SIGSTOP');
  const [hung, woken, ended] = sessions.map(({ id }) => id);
  const unanswered = api.call('POST', `/api/sessions/${hung ?? ''}/execute`, { code: '1', timeoutMs: 500 });
  await api.end(ended ?? '');
  await until('it is unhealthy', async () => (await api.get(woken ?? '')).state !== 'ACTIVE');
  signalBrowser(pids[1] ?? 0, service.dataDir, 'SIGCONT');
  await Promise.all([closed(api, hung ?? '', 'unhealthy'), unanswered]);
  await api.end(woken ?? '');
  return sessions.length;
}

async function vanish({ api }: WaveDeps): Promise<number> {
  const { id, cdpUrl, cdpPort } = await api.create();
  const url = cdpUrl ?? '';
  const { webSocketDebuggerUrl } = (await send(`http://127.0.0.1:${cdpPort ?? 0}/json/version`)).json() as {
    webSocketDebuggerUrl: string;
  };
  for (const address of [url, webSocketDebuggerUrl]) {
    await Promise.all([
      vanishByReset(address),
      vanishWithoutReading(address, 200),
      ...[0, 2, 10].map((afterMs) => vanishInHandshake(address, afterMs)),
    ]);
  }
  // One that does not read still when its session ends.
  const ignorant = vanishWithoutReading(url, 1_500).catch(() => undefined);
  await api.evaluate(id, '1');
  await api.end(id);
  await ignorant;
  return 1;
}

async function connectAndVanish({ service }: WaveDeps): Promise<number> {
  const address = (options: CreateSession & { keepAliveMs?: number }): string =>
    connectAddress(service.address, options);
  await vanishByReset(address({}));
  await vanishWithoutReading(address({}), 200);
  await vanishByReset(address({ keepAliveMs: 300 }));
  return 3;
}

/** Goes away at every stage of a create, over REST and over `/connect`. */
async function breakOff({ service, api }: WaveDeps, options: CreateSession): Promise<number> {
  for (const afterMs of CANCEL_AFTER_MS) {
    const [session] = await Promise.all([
      cancelCreate(service.address, { ...options, timeoutMs: 1_000 }, afterMs),
      vanishInHandshake(connectAddress(service.address, { ...options, timeoutMs: 1_000 }), afterMs),
    ]);
    if (session !== undefined) await api.end(session.id);
  }
  return CANCEL_AFTER_MS.length * 2;
}

async function restart({ api, origin }: WaveDeps): Promise<number> {
  const { id, cdpUrl } = await api.create({ maxRequests: 2, recycle: 'restart' });
  await api.navigate(id, `${origin}/`);
  await api.evaluate(id, '1');
  const client = await connectCdp(cdpUrl ?? '');
  await api.evaluate(id, '1');
  client[Symbol.dispose]();
  await until(
    'the browser was restarted',
    async () => {
      const answer = await api.call('GET', `/api/sessions/${id}/events`);
      return expectStatus<SessionEventList>(answer, 200).events.some(({ type }) => type === 'browserRestarted');
    },
    { timeoutMs: CLOSE_TIMEOUT_MS },
  );
  await api.evaluate(id, '1');
  await api.end(id);
  return 1;
}

async function idle({ api }: WaveDeps): Promise<number> {
  const { id } = await api.create({ timeoutMs: 1_000 });
  await closed(api, id, 'idle_timeout');
  return 1;
}

/** Streams that are open when the session ends, that are left by their client, and that nobody reads. */
async function leaveStreams({ api, service }: WaveDeps): Promise<number> {
  const { id } = await api.create();
  const address = `${service.address}/api/sessions/${id}/events`;
  const streams = await Promise.all(Array.from({ length: STREAMS }, () => openEventStream(address)));
  const [left, reset] = streams;
  left?.leave();
  reset?.reset();
  for (let count = 0; count < 5; count += 1) {
    expectStatus(await api.call('PATCH', `/api/sessions/${id}`, { metadata: { count: String(count) } }), 200);
  }
  await api.end(id);
  for (const stream of streams) stream.leave();
  return 1;
}

async function askWrongly({ api, service, origin }: WaveDeps): Promise<number> {
  const { id } = await api.create();
  const nobody = '00000000-0000-4000-8000-000000000000';
  const wrong: readonly (readonly [method: string, path: string, body?: unknown])[] = [
    ['POST', '/api/sessions', { headless: 'maybe' }],
    ['POST', '/api/sessions', { record: true }],
    ['POST', '/api/sessions', { extensions: ['none'] }],
    ['GET', `/api/sessions/${nobody}`],
    ['DELETE', `/api/sessions/${nobody}`],
    ['GET', '/api/nothing'],
    ['PUT', '/api/sessions'],
    ['PATCH', `/api/sessions/${id}`, {}],
    ['POST', `/api/sessions/${id}/navigate`, { url: 'file:///etc/passwd' }],
    ['POST', `/api/sessions/${id}/navigate`, { url: `${origin}/hangs`, timeoutMs: 100 }],
    ['POST', `/api/sessions/${id}/execute`, { code: 'throw new Error("no")' }],
    ['POST', `/api/sessions/${id}/execute`, { code: 'new Promise(() => {})', timeoutMs: 50 }],
    ['POST', `/api/sessions/${id}/screenshot`, { selector: '#none' }],
  ];
  for (const [method, path, body] of wrong) {
    const { status } = await api.call(method, path, body);
    if (status < 400) throw new Error(`${method} ${path} was answered ${status}`);
  }
  const webSocket = service.address.replace('http', 'ws');
  for (const path of [
    `/api/sessions/${id}/cdp?token=wrong`,
    '/nothing',
    '/connect?colour=red',
    `/api/sessions/${nobody}/cdp`,
  ]) {
    await tryUpgrade(`${webSocket}${path}`);
  }
  const headers = { 'content-type': 'application/json' };
  await send(`${service.address}/api/sessions`, { method: 'POST', headers, body: '{"broken' });
  await api.end(id);
  return 1;
}
