import { spawnSync } from 'node:child_process';

import type { Health, Status } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { connectCdp, tryUpgrade } from './cdp-client.ts';
import { metricValue } from './metrics.ts';
import { findOpenApiProblems, listOperations, mediaTypesOf, requiresBody } from './openapi.ts';
import { listProcessesOf } from './processes.ts';
import { openDataDir, type Service, startService, startServiceOn } from './service.ts';
import { until } from './until.ts';

/** Part of Debian's package prometheus; the set-up of the tests installs it. */
const PROMTOOL = 'promtool';

/** Every route of the contract that this version has. */
const ROUTES = [
  'DELETE /api/keys/{keyId}',
  'DELETE /api/profiles/{profileId}',
  'DELETE /api/proxies/{proxyId}',
  'DELETE /api/sessions/{sessionId}',
  'GET /api/audit',
  'GET /api/keys',
  'GET /api/keys/{keyId}',
  'GET /api/profiles',
  'GET /api/profiles/{profileId}',
  'GET /api/profiles/{profileId}/cookies',
  'GET /api/profiles/{profileId}/export',
  'GET /api/profiles/{profileId}/states',
  'GET /api/proxies',
  'GET /api/proxies/groups',
  'GET /api/proxies/{proxyId}',
  'GET /api/sessions',
  'GET /api/sessions/{sessionId}',
  'GET /api/sessions/{sessionId}/content',
  'GET /api/sessions/{sessionId}/cookies',
  'GET /api/sessions/{sessionId}/events',
  'GET /health',
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'GET /problems/{name}',
  'GET /status',
  'PATCH /api/keys/{keyId}',
  'PATCH /api/profiles/{profileId}',
  'PATCH /api/proxies/{proxyId}',
  'PATCH /api/sessions/{sessionId}',
  'POST /api/keys',
  'POST /api/profiles',
  'POST /api/profiles/bulk',
  'POST /api/profiles/generate',
  'POST /api/profiles/import',
  'POST /api/profiles/validate',
  'POST /api/profiles/{profileId}/duplicate',
  'POST /api/profiles/{profileId}/states/restore',
  'POST /api/profiles/{profileId}/unlock',
  'POST /api/profiles/{profileId}/update-browser-version',
  'POST /api/profiles/{profileId}/validate',
  'POST /api/proxies',
  'POST /api/proxies/{proxyId}/check',
  'POST /api/sessions',
  'POST /api/sessions/create',
  'POST /api/sessions/{sessionId}/execute',
  'POST /api/sessions/{sessionId}/input',
  'POST /api/sessions/{sessionId}/keepalive',
  'POST /api/sessions/{sessionId}/navigate',
  'POST /api/sessions/{sessionId}/pdf',
  'POST /api/sessions/{sessionId}/screenshot',
  'PUT /api/profiles/{profileId}/cookies',
  'PUT /api/sessions/{sessionId}/cookies',
];

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;

beforeAll(async () => {
  service = await startService(stack, { LOG_LEVEL: 'debug', NODE_ID: 'node-of-the-test' });
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());

describe('the health', () => {
  it('tells that the service works, with each thing it needs', async () => {
    for (const path of ['/health', '/health/ready']) {
      const health = expectStatus<Health>(await api.call('GET', path), 200);
      expect(health.status).toBe('ok');
      expect(Object.keys(health.checks)).toEqual(expect.arrayContaining(['database', 'browser']));
      for (const check of Object.values(health.checks)) {
        expect(check).toMatchObject({ status: 'ok', latencyMs: expect.any(Number) as number });
      }
    }
    expect((await api.call('GET', '/health/live')).json()).toEqual({ status: 'ok' });
  });

  it('outlives the death of the embedded database, and so do the sessions', { tags: 'own-process' }, async () => {
    await using own = new AsyncDisposableStack();
    const dataDir = await openDataDir(own);
    const struck = own.use(await startServiceOn(dataDir, {}, /embedded database died/));
    const { id } = await struck.api.create();
    const database = listProcessesOf(dataDir).find(({ command }) => command.includes(`-D ${dataDir}`));
    process.kill(database?.pid ?? 0, 'SIGKILL');
    const isAnotherRunning = (): boolean =>
      listProcessesOf(dataDir).some(({ command, pid }) => command.includes(`-D ${dataDir}`) && pid !== database?.pid);
    await until('the database runs again', isAnotherRunning);
    expect((await struck.api.call('GET', '/health/live')).status).toBe(200);
    await until('the service is healthy', async () => (await struck.api.call('GET', '/health')).status === 200);
    expect(await struck.api.evaluate(id, '6 * 7')).toBe(42);
    expect((await struck.api.end(id)).closeReason).toBe('requested');
  });
});

describe('the status', { tags: 'one-node' }, () => {
  it('tells what this node is doing now', async () => {
    const { id, cdpUrl } = await api.create();
    using _client = await connectCdp(cdpUrl ?? '');
    const status = expectStatus<Status>(await api.call('GET', '/status'), 200);
    expect(status).toMatchObject({
      nodeId: 'node-of-the-test',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      mode: 'development',
      browserVersion: expect.stringMatching(/^\d+(\.\d+){3}$/) as string,
      draining: false,
      sessions: { live: 1, limit: 100, queued: 0, queueLimit: 100, cdpClients: 1 },
      queue: { waiting: 0, limit: 100, timeoutMs: 30_000, entries: [] },
      launches: { waiting: 0 },
      memory: { reserveMb: 512 },
      warmPool: { size: 1, isPaused: false },
    });
    expect(Date.parse(status.startedAt)).toBeLessThanOrEqual(Date.now());
    await api.end(id);
    expect((await api.status()).sessions).toMatchObject({ live: 0, cdpClients: 0 });
  });
});

describe('the metrics', () => {
  const read = async (): Promise<string> => {
    const answer = await api.call('GET', '/metrics');
    expect([answer.status, answer.headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/plain;/)]);
    return answer.text;
  };

  it('are accepted by promtool', { tags: 'same-machine' }, async () => {
    const { id } = await api.create();
    await api.end(id);
    const { status, error, stdout, stderr } = spawnSync(PROMTOOL, ['check', 'metrics'], {
      input: await read(),
      encoding: 'utf8',
    });
    if (error !== undefined)
      throw new Error(
        'promtool is not on the PATH: install the Debian package prometheus, or run the tests by npm test',
        { cause: error },
      );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('count what happens to sessions and requests, and never name one of them', { tags: 'one-node' }, async () => {
    const before = await read();
    const { id } = await api.create();
    expect(metricValue(await read(), 'guise_sessions_live')).toBe(1);
    await api.end(id);
    const after = await read();
    const grown = (series: string): number => metricValue(after, series) - metricValue(before, series);
    for (const state of ['ACTIVE', 'CLOSING', 'CLOSED']) {
      expect([state, grown(`guise_session_transitions_total{state="${state}"}`)]).toEqual([state, 1]);
    }
    expect(grown('guise_sessions_closed_total{reason="requested"}')).toBe(1);
    const created = ['warm', 'cold'].map((outcome) =>
      grown(`guise_session_create_seconds_count{outcome="${outcome}"}`),
    );
    expect(created.reduce((sum, each) => sum + each)).toBe(1);
    expect(metricValue(after, 'guise_sessions_live')).toBe(0);
    expect(after).toContain('route="/api/sessions/:sessionId"');
    expect(after).not.toContain(id);
  });
});

describe('the documents', () => {
  it('include an OpenAPI 3.1 description of every route', async () => {
    const answer = await api.call('GET', '/openapi.json');
    const document = expectStatus<unknown>(answer, 200);
    expect(findOpenApiProblems(document)).toEqual([]);
    expect(
      listOperations(document)
        .map(({ route }) => route)
        .sort(),
    ).toEqual(ROUTES);
  });

  it('describe refusals as what they are, and bodies that may be left out as such', async () => {
    const operations = listOperations(expectStatus<unknown>(await api.call('GET', '/openapi.json'), 200));
    const optional = operations.filter(({ route }) => /^POST .*\/(sessions|create|screenshot|pdf)$/.test(route));
    expect(optional.filter(requiresBody).map(({ route }) => route)).toEqual([]);
    for (const operation of operations.filter(({ route }) => route.includes('/api/'))) {
      const types = mediaTypesOf(operation, /^[45]/);
      expect([operation.route, new Set(types)]).toEqual([operation.route, new Set(['application/problem+json'])]);
    }
  });

  it('can be read by people at /docs, in a real browser', { tags: 'same-machine' }, async () => {
    // No session reaches the service it belongs to.
    await using stack = new AsyncDisposableStack();
    const { api: reader } = await startService(stack);
    const { id } = await reader.create();
    await reader.navigate(id, `${service.address}/docs`);
    const shown = await until('the operations are shown', async () => {
      const text = await reader.evaluate(id, 'document.body.innerText');
      return typeof text === 'string' && text.includes('/api/sessions/{sessionId}/execute') && text;
    });
    for (const route of ROUTES) expect(shown.replaceAll('\u200b', '')).toContain(route.split(' ')[1]);
  });
});

describe('the log', { tags: 'own-process' }, () => {
  it('holds no token, no cookie and nothing of a page, at whatever level', async () => {
    const { id, cdpUrl } = await api.create({ metadata: { label: 'label-4711' } });
    using client = await connectCdp(cdpUrl ?? '');
    await client.send('Browser.getVersion');
    await tryUpgrade(`${cdpUrl ?? ''}x`);
    await api.call('GET', `/api/sessions/${id}/nothing?token=secret-of-a-query`);
    await api.call('PUT', `/api/sessions/${id}/cookies`, {
      cookies: [{ name: 'c', value: 'secret-of-a-cookie', url: 'http://a.test' }],
    });
    await api.call('POST', `/api/sessions/${id}/execute`, { code: 'throw new Error("secret-of-a-page")' });
    await api.call('POST', '/api/sessions', { proxy: 'http://user:secret-of-a-proxy@127.0.0.1:1' });
    await api.end(id);
    await until('the last request is logged', () => service.log().includes('DELETE'));
    const token = new URL(cdpUrl ?? '').searchParams.get('token') ?? 'none';
    for (const secret of [token, 'secret-of-a']) expect(service.log()).not.toContain(secret);
  });
});
