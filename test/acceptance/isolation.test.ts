import type { Session } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { tryUpgrade } from './cdp-client.ts';
import { send } from './http-client.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { expectProblem } from './problem.ts';
import { listBrowsers } from './processes.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
let site: PageServer;
/** A session that attacks, and one that is attacked. */
let attacker: Session;
let victim: Session;

beforeAll(async () => {
  site = await startPageServer(stack);
  site.on('/', '<title>Evil</title>');
  service = await startService(stack, { WARM_POOL_SIZE: '2' });
  ({ api } = service);
  [attacker, victim] = [await api.create(), await api.create()];
  await api.navigate(attacker.id, `${site.origin}/`);
  await api.navigate(victim.id, 'data:text/html,<title>Secret of the victim</title>');
});
afterAll(() => stack.disposeAsync());

const FOREIGN_ORIGINS = ['http://evil.example', 'null', 'http://127.0.0.1:1', 'https://localhost', 'file://'];
const FOREIGN_HOSTS = ['evil.example', '127.0.0.1.evil.example', 'evil.example:80', 'localhost.evil.example'];

describe('the API', () => {
  it('refuses requests that web pages of other origins send, before they do anything', async () => {
    for (const origin of FOREIGN_ORIGINS) {
      const answer = await send(`${service.address}/api/sessions`, { method: 'POST', headers: { origin } });
      expectProblem(answer, 403, 'ORIGIN_NOT_ALLOWED');
      expectProblem(await send(`${service.address}/status`, { headers: { origin } }), 403, 'ORIGIN_NOT_ALLOWED');
    }
    const { sessions } = expectStatus<{ sessions: Session[] }>(await api.call('GET', '/api/sessions'), 200);
    expect(sessions).toHaveLength(2);
  });

  it('answers pages of its own origin', async () => {
    const answer = await send(`${service.address}/status`, { headers: { origin: service.address } });
    expect(answer.status).toBe(200);
  });

  it('refuses names that were made to point at this machine (DNS rebinding)', async () => {
    for (const host of FOREIGN_HOSTS) {
      const answer = await send(`${service.address}/api/sessions`, { headers: { host } });
      expectProblem(answer, 403, 'ORIGIN_NOT_ALLOWED');
    }
    const { port } = new URL(service.address);
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`]) {
      expect((await send(`${service.address}/health`, { headers: { host } })).status).toBe(200);
    }
  });

  it('refuses a WebSocket a page of another origin opens, even with the right token', async () => {
    const cdpUrl = victim.cdpUrl ?? '';
    for (const origin of FOREIGN_ORIGINS) {
      expectProblem(await tryUpgrade(cdpUrl, { origin }), 403, 'ORIGIN_NOT_ALLOWED');
    }
    for (const host of FOREIGN_HOSTS) {
      expectProblem(await tryUpgrade(cdpUrl, { host }), 403, 'ORIGIN_NOT_ALLOWED');
    }
    expect((await tryUpgrade(cdpUrl)).status).toBe(101);
  });

  it('cannot be used by a page in a session: it reads nothing, creates nothing and ends nothing', async () => {
    // Simple requests, which a browser sends without asking first, and such that it asks for.
    const requests = [
      ['GET', '/api/sessions'],
      ['POST', '/api/sessions'],
      ['POST', `/api/sessions/${victim.id}/keepalive`],
      ['DELETE', `/api/sessions/${victim.id}`],
    ];
    const code = `
      const outcomes = [];
      for (const [method, path] of ${JSON.stringify(requests)}) {
        for (const mode of ['cors', 'no-cors']) {
          outcomes.push(await fetch('${service.address}' + path, { method, mode }).then(
            (answer) => answer.type === 'opaque' ? 'opaque' : answer.text(), () => 'refused'));
        }
      }
      return outcomes;`;
    // Who goes away counts as use of the session too.
    await until('the clients of other tests have gone', async () => (await api.status()).sessions.cdpClients === 0);
    const before = await api.get(victim.id);
    const outcomes = (await api.evaluate(attacker.id, code)) as string[];
    for (const outcome of outcomes) expect(['opaque', 'refused']).toContain(outcome);
    const { sessions } = expectStatus<{ sessions: Session[] }>(await api.call('GET', '/api/sessions'), 200);
    expect(sessions.map(({ id }) => id).sort()).toEqual([attacker.id, victim.id].sort());
    expect(await api.get(victim.id)).toMatchObject({ state: before.state, lastActivityAt: before.lastActivityAt });
  });
});

/** What a page of the attacker gets from a WebSocket to an address. */
async function openFromPage(url: string): Promise<unknown> {
  const code = `new Promise((resolve) => {
    const socket = new WebSocket(${JSON.stringify(url)});
    socket.onopen = () => resolve('open');
    socket.onerror = () => resolve('refused');
  })`;
  return api.evaluate(attacker.id, code);
}

/** Where the browsers themselves listen, as their command lines tell; to a program of this machine they answer. */
async function listBrowserEndpoints(): Promise<{ port: number; path: string }[]> {
  const ports = listBrowsers(service.dataDir).map(({ command }) =>
    Number(/ --remote-debugging-port=(\d+)/.exec(command)?.[1]),
  );
  return Promise.all(
    ports.map(async (port) => {
      // One that is being started for the pool does not listen yet.
      const { webSocketDebuggerUrl } = await until('the browser listens', async () =>
        expectStatus<{ webSocketDebuggerUrl: string }>(await send(`http://127.0.0.1:${port}/json/version`), 200),
      );
      return { port, path: new URL(webSocketDebuggerUrl).pathname };
    }),
  );
}

describe("a session's debugging port", () => {
  it('refuses what comes from web pages, and names that were made to point at it', async () => {
    const port = `http://127.0.0.1:${victim.cdpPort ?? 0}`;
    for (const origin of FOREIGN_ORIGINS) {
      expectProblem(await send(`${port}/json/list`, { headers: { origin } }), 403, 'ORIGIN_NOT_ALLOWED');
    }
    for (const host of FOREIGN_HOSTS) {
      expectProblem(await send(`${port}/json/list`, { headers: { host } }), 403, 'ORIGIN_NOT_ALLOWED');
    }
    const [target] = expectStatus<{ webSocketDebuggerUrl: string }[]>(await send(`${port}/json/list`), 200);
    for (const origin of FOREIGN_ORIGINS) {
      const answer = await tryUpgrade(target?.webSocketDebuggerUrl ?? '', { origin });
      expectProblem(answer, 403, 'ORIGIN_NOT_ALLOWED');
    }
  });

  it('cannot be used by a page in another session over WebSocket, and neither can the browser’s own', async () => {
    const listed = expectStatus<{ webSocketDebuggerUrl: string }[]>(
      await send(`http://127.0.0.1:${victim.cdpPort ?? 0}/json/list`),
      200,
    );
    for (const { webSocketDebuggerUrl } of listed) expect(await openFromPage(webSocketDebuggerUrl)).toBe('refused');
    expect(await openFromPage(victim.cdpUrl ?? '')).toBe('refused');
    const endpoints = await listBrowserEndpoints();
    expect(endpoints.length).toBeGreaterThanOrEqual(2);
    for (const { port, path: endpoint } of endpoints) {
      expect(await openFromPage(`ws://127.0.0.1:${port}${endpoint}`)).toBe('refused');
    }
    // The same address does open for a program, so it is the page that was refused.
    expect((await tryUpgrade(listed[0]?.webSocketDebuggerUrl ?? '')).status).toBe(101);
  });

  it('cannot be read by a script in another session', async () => {
    const ports = [victim.cdpPort ?? 0, ...(await listBrowserEndpoints()).map(({ port }) => port)];
    for (const port of ports) {
      const code = `fetch('http://127.0.0.1:${port}/json/list').then((answer) => answer.text(), () => 'refused')`;
      expect(await api.evaluate(attacker.id, code)).toBe('refused');
    }
  });

  it('is not shown to the browser of another session that is sent there', async () => {
    await api.call('POST', `/api/sessions/${attacker.id}/navigate`, {
      url: `http://127.0.0.1:${victim.cdpPort ?? 0}/json/list`,
    });
    const { html } = (await api.call('GET', `/api/sessions/${attacker.id}/content`)).json() as { html: string };
    await api.navigate(attacker.id, `${site.origin}/`);
    expect(html).not.toContain('Secret of the victim');
  });

  it('of the browser itself is out of reach for any page, by whatever name, in its own session and in others', async () => {
    for (const { port } of await listBrowserEndpoints()) {
      for (const host of ['127.0.0.1', 'localhost', '127.1', '0.0.0.0', '[::ffff:127.0.0.1]', 'a.localhost']) {
        const url = `http://${host}:${port}/json/version`;
        expectProblem(await api.call('POST', `/api/sessions/${attacker.id}/navigate`, { url }), 422, 'EGRESS_REFUSED');
      }
    }
    await api.navigate(attacker.id, `${site.origin}/`);
  });

  it('opens no files and no pages of the browser itself', async () => {
    const port = `http://127.0.0.1:${victim.cdpPort ?? 0}`;
    for (const url of ['file:///etc/hostname', 'chrome://version', 'view-source:file:///etc/hostname']) {
      const answer = await send(`${port}/json/new?${encodeURIComponent(url)}`, { method: 'PUT' });
      expectProblem(answer, 400, 'VALIDATION_FAILED');
    }
  });
});
