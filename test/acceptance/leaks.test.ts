import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

import type { Session } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { browserPid, connectCdp } from './cdp-client.ts';
import { countHoldings as count, type Holdings } from './holdings.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { isRunning, listBrowsers, listDisplays, listProcessesOf, type ProcessInfo } from './processes.ts';
import { openDataDir, type Service, startService, startServiceOn } from './service.ts';
import { until } from './until.ts';

const POOL_SIZE = 2;
const ROUNDS = 50;
const KILLS = 20;
const DISPLAY_KILLS = 3;
const SETTLE_TIMEOUT_MS = 60_000;
const LONG_MS = 5 * 60_000;

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
let site: PageServer;

/** The name of the display a process was started for, such as `7`. */
const displayName = ({ environment }: ProcessInfo): string | undefined => /\0DISPLAY=:(\d+)/.exec(environment)?.[1];

/** The X server of a session's browser, and the files below /tmp by which it can be reached. */
async function findDisplay({ cdpUrl }: Session): Promise<{ pid: number; name: string; files: string[] }> {
  const pid = await browserPid(cdpUrl ?? '');
  const browser = listBrowsers(service.dataDir).find((each) => each.pid === pid);
  const folder = /\/browsers\/\w+/.exec(browser?.command ?? '')?.[0];
  const name = browser && displayName(browser);
  const display = listDisplays(service.dataDir).find(({ command }) => command.includes(`${folder ?? '?'}/`));
  if (name === undefined || display === undefined) throw new Error(`The browser ${pid} has no display`);
  return { pid: display.pid, name, files: [`/tmp/.X${name}-lock`, `/tmp/.X11-unix/X${name}`] };
}

/** The pool is full and nobody uses anything. */
async function waitForRest(): Promise<void> {
  await until(
    'the warm pool is full and nothing is live',
    async () => {
      const { sessions, warmPool } = await api.status();
      return sessions.live === 0 && warmPool.ready === POOL_SIZE && warmPool.starting === 0;
    },
    { timeoutMs: SETTLE_TIMEOUT_MS },
  );
}

/** Waits until the service holds what it did, and says what it holds too much of where it never comes to that. */
async function expectAsBefore(before: Holdings): Promise<void> {
  await waitForRest();
  let now = before;
  const isSame = async (): Promise<boolean> => {
    const found = await count(service);
    // Fewer than before are no leak: something that was open for a moment was counted then.
    now = { ...found, descriptors: Math.max(found.descriptors, before.descriptors) };
    return JSON.stringify(now) === JSON.stringify(before);
  };
  // What failed is told below, in numbers.
  await until('the service holds what it held before', isSame, { timeoutMs: SETTLE_TIMEOUT_MS }).catch(() => undefined);
  expect(now).toEqual(before);
}

/** What a client does with a session in its life. */
async function use({ id, cdpUrl }: Session): Promise<void> {
  using client = await connectCdp(cdpUrl ?? '');
  await api.navigate(id, `${site.origin}/`);
  expect(await api.evaluate(id, 'document.title')).toBe('Start');
  expect((await api.call('POST', `/api/sessions/${id}/screenshot`)).status).toBe(200);
  await client.send('Target.getTargets');
}

beforeAll(async () => {
  site = await startPageServer(stack);
  site.on('/', '<title>Start</title>');
  service = await startService(stack, { WARM_POOL_SIZE: String(POOL_SIZE) });
  ({ api } = service);
  // One round before anything is counted: what is opened once, for good, is open then.
  const session = await api.create();
  await use(session);
  await api.end(session.id);
  await waitForRest();
});
afterAll(() => stack.disposeAsync());

describe('a service', () => {
  it(
    `holds what it held before after ${ROUNDS} sessions were created, used and deleted`,
    { timeout: LONG_MS },
    async () => {
      const before = await count(service);
      // The port of the API, and the proxy of each browser.
      const ports = 1 + POOL_SIZE;
      expect(before).toMatchObject({ browsers: POOL_SIZE, displays: 0, strays: 0, folders: POOL_SIZE, ports });
      for (let round = 0; round < ROUNDS; round += 1) {
        const session = await api.create();
        await use(session);
        await api.end(session.id);
      }
      await expectAsBefore(before);
    },
  );

  it(`holds what it held before after ${KILLS} browsers were killed`, { timeout: LONG_MS }, async () => {
    const before = await count(service);
    for (let round = 0; round < KILLS; round += 1) {
      const { id, cdpUrl } = await api.create();
      using client = await connectCdp(cdpUrl ?? '');
      process.kill(await browserPid(cdpUrl ?? ''), 'SIGKILL');
      expect((await client.closed).code).toBe(1011);
      const closed = await until('it is closed', async () => {
        const session = await api.get(id);
        return session.state === 'CLOSED' && session;
      });
      expect(closed.closeReason).toBe('browser_crashed');
    }
    await expectAsBefore(before);
  });

  it(
    'holds what it held before after displays and browsers with a window were killed',
    { timeout: LONG_MS },
    async () => {
      const before = await count(service);
      for (let round = 0; round < DISPLAY_KILLS; round += 1) {
        const [one, other] = [await api.create({ headless: false }), await api.create({ headless: false })];
        const displays = [await findDisplay(one), await findDisplay(other)];
        // Xvfb makes no lock file where it chooses the number itself; the socket is always there.
        for (const { files } of displays) expect(files.some(existsSync)).toBe(true);
        process.kill(displays[0]?.pid ?? 0, 'SIGKILL');
        await until('the session on that display is closed', async () => (await api.get(one.id)).state === 'CLOSED');
        expect((await api.get(other.id)).state).not.toBe('CLOSED');
        process.kill(await browserPid(other.cdpUrl ?? ''), 'SIGKILL');
        await until('the other one is closed', async () => (await api.get(other.id)).state === 'CLOSED');
        // A killed X server leaves its socket; who started it has to remove that.
        await until('no file of a display is left', () => {
          // But the pool may have taken the number for another.
          const names = listProcessesOf(service.dataDir).map(displayName);
          return displays.every(({ name, files }) => names.includes(name) || !files.some(existsSync));
        });
      }
      await expectAsBefore(before);
    },
  );

  it(
    'holds what it held before after clients went away in the middle of everything',
    { timeout: LONG_MS },
    async () => {
      const before = await count(service);
      for (let round = 0; round < 5; round += 1) {
        const gone = new AbortController();
        const creating = fetch(`${service.address}/api/sessions`, { method: 'POST', signal: gone.signal }).catch(
          () => undefined,
        );
        gone.abort();
        await creating;
        const cold = new AbortController();
        const body = JSON.stringify({ locale: 'de-DE' });
        const headers = { 'content-type': 'application/json' };
        const starting = fetch(`${service.address}/api/sessions`, {
          method: 'POST',
          headers,
          body,
          signal: cold.signal,
        });
        const settled = starting.catch(() => undefined);
        await until('a cold browser is starting', async () => {
          const list = expectStatus<{ sessions: Session[] }>(
            await api.call('GET', '/api/sessions?state=INITIALIZING'),
            200,
          );
          return list.sessions.length > 0;
        });
        cold.abort();
        await settled;
      }
      const live = async (): Promise<Session[]> => {
        const answers = await Promise.all(
          ['INITIALIZING', 'ACTIVE', 'IDLE'].map((state) => api.call('GET', `/api/sessions?state=${state}`)),
        );
        return answers.flatMap((answer) => expectStatus<{ sessions: Session[] }>(answer, 200).sessions);
      };
      await until('no session of a client that went away is live', async () => (await live()).length === 0);
      await expectAsBefore(before);
    },
  );
});

describe('a service that was killed', () => {
  it(
    'leaves nothing for long: the next start, told to, ends its browsers, closes its rows and works',
    { timeout: LONG_MS },
    async () => {
      await using own = new AsyncDisposableStack();
      const dataDir = await openDataDir(own);
      const settings = { WARM_POOL_SIZE: '1', ORPHANS: 'end' };
      const first = await startServiceOn(dataDir, settings);
      const [headless, headful] = [
        await first.api.create({ metadata: { kept: 'yes' } }),
        await first.api.create({ headless: false }),
      ];
      const ended = await first.api.create();
      await first.api.end(ended.id);
      const before = listProcessesOf(dataDir);
      expect(before.length).toBeGreaterThan(0);
      expect(await first.end('SIGKILL')).toBeNull();

      const second = own.use(await startServiceOn(dataDir, settings));
      expect(before.filter(isRunning).map(({ command }) => command)).toEqual([]);
      for (const { id } of [headless, headful]) {
        expect(await second.api.get(id)).toMatchObject({
          state: 'CLOSED',
          closeReason: 'node_lost',
          cdpPort: null,
          cdpUrl: null,
        });
      }
      expect(await second.api.get(headless.id)).toMatchObject({ metadata: { kept: 'yes' } });
      expect(await second.api.get(ended.id)).toMatchObject({ state: 'CLOSED', closeReason: 'requested' });
      const { id } = await second.api.create();
      expect(await second.api.evaluate(id, '6 * 7')).toBe(42);
      await until('only browsers of the second service have folders', async () => {
        const folders = await readdir(path.join(dataDir, 'browsers'));
        return folders.length === listBrowsers(dataDir).length;
      });
    },
  );
});
