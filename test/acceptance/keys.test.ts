import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';

import type { ApiKey, ApiKeyDetails, KeyRole, Session } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { connectApi, expectStatus } from './api.ts';
import { send } from './http-client.ts';
import { type KeyedService, startKeyedService } from './keyed-service.ts';
import { listOperations } from './openapi.ts';
import { startPageServer } from './page-server.ts';
import { expectProblem } from './problem.ts';
import { connectRpc } from './rpc-client.ts';
import { until } from './until.ts';

const NOWHERE = '00000000-0000-4000-8000-000000000000';
const PUBLIC = ['getHealth', 'getReadiness', 'getLiveness', 'getProblemKind'];
/** Open to this machine. */
const INSIDE = ['getStatus', 'getMetrics'];
const FOR_VIEWERS = [
  ...['listSessions', 'getSession', 'listSessionEvents', 'listProfiles', 'getProfile', 'listProfileStates'],
  ...['validateFingerprint', 'listProxies', 'getProxy', 'listProxyGroups'],
];
const FOR_ADMINS = ['listApiKeys', 'createApiKey', 'getApiKey', 'updateApiKey', 'revokeApiKey', 'listAudit'];
const ROLES: readonly KeyRole[] = ['viewer', 'user', 'operator', 'admin'];

let stack: AsyncDisposableStack;
let keyed: KeyedService;

beforeAll(async () => {
  await using starting = new AsyncDisposableStack();
  keyed = await startKeyedService(starting);
  stack = starting.move();
});
afterAll(() => stack.disposeAsync());

function leastRole(operationId: string): KeyRole {
  if (FOR_ADMINS.includes(operationId)) return 'admin';
  return FOR_VIEWERS.includes(operationId) ? 'viewer' : 'user';
}

async function operations(): Promise<{ id: string; method: string; path: string; security: unknown }[]> {
  const document = (await send(`${keyed.service.address}/openapi.json`)).json();
  return listOperations(document).map(({ route, operation }) => {
    const [method = '', path = ''] = route.split(' ');
    const { operationId, security } = operation;
    return { id: String(operationId), method, path: path.replaceAll(/\{\w+\}/g, NOWHERE), security };
  });
}

/** The status and text with which an upgrade was refused; undefined where it was not. */
async function tryUpgrade(path: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${keyed.service.address.replace('http', 'ws')}${path}`, { headers });
  socket.on('error', () => undefined);
  const opened = once(socket, 'open').then(() => undefined);
  const refused = once(socket, 'unexpected-response').then(async ([, response]) => {
    const { statusCode, headers: answered } = response as IncomingMessage;
    let text = '';
    for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString();
    return { status: statusCode ?? 0, headers: answered, text };
  });
  const outcome = await Promise.race([opened, refused]);
  socket.terminate();
  return outcome;
}

describe('every route', () => {
  it(
    'takes a key, of the role its table says, but for health and what a problem means',
    { tags: 'same-machine' },
    async () => {
      const holders = new Map(
        await Promise.all(
          ROLES.map(async (role) => [role, (await keyed.hand({ name: `all ${role}`, role })).api] as const),
        ),
      );
      const all = await operations();
      expect(all.length).toBeGreaterThan(50);
      for (const { id, method, path, security } of all) {
        const body = ['GET', 'HEAD', 'DELETE'].includes(method) ? undefined : { nonsense: true };
        const keyless = await keyed.keyless.call(method, path, body);
        if (PUBLIC.includes(id)) {
          expect([401, 403], id).not.toContain(keyless.status);
          expect(security, id).toEqual([]);
          continue;
        }
        expect(security, id).toEqual([{ bearer: [] }, { header: [] }]);
        if (INSIDE.includes(id)) {
          expect(keyless.status, id).toBe(200);
          continue;
        }
        expectProblem(keyless, 401, 'UNAUTHORIZED');
        for (const [role, api] of holders) {
          const answer = await api.call(method, path, body);
          if (ROLES.indexOf(role) < ROLES.indexOf(leastRole(id))) expectProblem(answer, 403, 'FORBIDDEN');
          else expect([401, 403, 500], `${id} ${role}`).not.toContain(answer.status);
        }
      }
    },
  );

  it('says the same to who has no key, a wrong one and one that was revoked', async () => {
    const { key, api } = await keyed.hand({ name: 'short-lived', role: 'user' });
    expect((await api.call('GET', '/api/sessions')).status).toBe(200);
    expect((await keyed.root.call('DELETE', `/api/keys/${key.id}`)).status).toBe(204);
    // Another node may believe for two seconds more what it has found of it.
    const revoked = await until('it is refused', async () => {
      const answer = await api.call('GET', '/api/sessions');
      return answer.status !== 200 && answer;
    });
    const answers = [
      await keyed.keyless.call('GET', '/api/sessions'),
      await connectApi(keyed.service.address, 'gk_wrong').call('GET', '/api/sessions'),
      revoked,
      // Only WebSocket addresses take a key in the address.
      await keyed.keyless.call('GET', `/api/sessions?apiKey=${keyed.rootSecret}`),
      await send(`${keyed.service.address}/api/sessions`, { headers: { authorization: 'Basic cm9vdDpyb290' } }),
    ];
    const told = answers.map((answer) => {
      const { requestId: _, ...problem } = expectProblem(answer, 401, 'UNAUTHORIZED');
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      return problem;
    });
    for (const problem of told) expect(problem).toEqual(told[0]);
  });

  it('takes a key in either header', async () => {
    const url = `${keyed.service.address}/api/sessions`;
    expect((await send(url, { headers: { 'x-api-key': keyed.rootSecret } })).status).toBe(200);
    expect((await send(url, { headers: { authorization: `bearer ${keyed.rootSecret}` } })).status).toBe(200);
  });
});

describe('WebSocket addresses', () => {
  it('take a key in a header or in the address, of a role that may', async () => {
    const viewer = await keyed.hand({ name: 'ws viewer', role: 'viewer' });
    for (const path of ['/api/ws', '/connect']) {
      const refused = await tryUpgrade(path);
      expect(refused?.headers['www-authenticate']).toBe('Bearer');
      if (refused !== undefined) expectProblem(refused, 401, 'UNAUTHORIZED');
      expect((await tryUpgrade(`${path}?apiKey=wrong`))?.status).toBe(401);
      expect(await tryUpgrade(`${path}?apiKey=${keyed.rootSecret}`)).toBeUndefined();
      expect(await tryUpgrade(path, { 'X-API-Key': keyed.rootSecret })).toBeUndefined();
      expect(await tryUpgrade(path, { Authorization: `Bearer ${keyed.rootSecret}` })).toBeUndefined();
    }
    expect(await tryUpgrade('/api/ws', { 'X-API-Key': viewer.key.secret })).toBeUndefined();
    const refused = await tryUpgrade('/connect', { 'X-API-Key': viewer.key.secret });
    expect(refused?.status).toBe(403);
    await until('the sessions of the connections are over', async () => {
      const { sessions } = (await keyed.root.call('GET', '/api/sessions?state=ACTIVE')).json() as { sessions: [] };
      return sessions.length === 0;
    });
  });

  it('refuse over /api/ws what the role may not, call by call', async () => {
    const { key } = await keyed.hand({ name: 'rpc viewer', role: 'viewer' });
    using client = await connectRpc(keyed.service.address, key.secret);
    expect(await client.call('session.list')).toEqual({ sessions: [], nextCursor: null });
    expect((await client.ask('session.create', {})).error?.data).toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('a key that is revoked', () => {
  it('is refused, and what was begun with it ends', async () => {
    const { key, api } = await keyed.hand({ name: 'leaver', role: 'user' });
    using client = await connectRpc(keyed.service.address, key.secret);
    const session = await api.create();
    const stream = await fetch(`${keyed.service.address}/api/sessions/${session.id}/events`, {
      headers: { 'x-api-key': key.secret, accept: 'text/event-stream' },
    });
    expect(stream.status).toBe(200);
    const streamEnded = expect(stream.text()).rejects.toThrow();
    await keyed.root.call('DELETE', `/api/keys/${key.id}`);
    // Another node may believe for two seconds more what it has found of it.
    await until('it is refused', async () => (await api.call('GET', '/api/sessions')).status === 401);
    expect(await client.closed).toEqual({ code: 1008, reason: 'key revoked' });
    await streamEnded;
    // Its sessions go on, for those who look after them.
    expect((await keyed.root.get(session.id)).state).toMatch(/ACTIVE|IDLE/);
    await keyed.root.end(session.id);
  });
});

describe('quotas', () => {
  it('of sessions at once hold exactly, and a place that is free again can be taken', async () => {
    const { api } = await keyed.hand({ name: 'two at once', role: 'user', quotas: { maxSessions: 2 } });
    const answers = await Promise.all(Array.from({ length: 5 }, () => api.call('POST', '/api/sessions', {})));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 429, 429, 429]);
    for (const refused of answers.filter(({ status }) => status === 429)) {
      const problem = expectProblem(refused, 429, 'QUOTA_EXCEEDED');
      expect(problem.quota).toBe('maxSessions');
      expect(Number(refused.headers['retry-after'])).toBe(problem.retryAfterSeconds);
    }
    const { sessions } = (await api.call('GET', '/api/sessions?state=ACTIVE')).json() as { sessions: { id: string }[] };
    const [one, two] = sessions;
    await api.end(one?.id ?? '');
    const again = await api.create();
    await Promise.all([again.id, two?.id ?? ''].map((id) => api.end(id)));
  });

  it('of creates and requests a minute are refused with when to come back', async () => {
    const creates = await keyed.hand({ name: 'one a minute', role: 'user', quotas: { maxCreatesPerMinute: 1 } });
    const { id } = await creates.api.create();
    const refused = await creates.api.call('POST', '/api/sessions', {});
    expect(expectProblem(refused, 429, 'QUOTA_EXCEEDED').quota).toBe('maxCreatesPerMinute');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    await creates.api.end(id);

    const requests = await keyed.hand({ name: 'few requests', role: 'user', quotas: { maxRequestsPerMinute: 3 } });
    const statuses: number[] = [];
    for (let asked = 0; asked < 5; asked += 1) {
      statuses.push((await requests.api.call('GET', '/api/sessions')).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
  });

  it('of traffic count what sessions move', async () => {
    await using local = new AsyncDisposableStack();
    const site = await startPageServer(local);
    site.on('/', '<title>Here</title>');
    const { key, api } = await keyed.hand({ name: 'mover', role: 'user' });
    const { id } = await api.create();
    await api.navigate(id, `${site.origin}/`);
    await api.end(id);
    const path = `/api/keys/${key.id}`;
    const moved = await until('its traffic is counted', async () => {
      const { usage } = expectStatus<ApiKeyDetails>(await keyed.root.call('GET', path), 200);
      return usage.trafficBytesThisMonth > 0 && usage.trafficBytesThisMonth;
    });
    const quotas = { maxTrafficBytesPerMonth: moved };
    expectStatus<ApiKey>(await keyed.root.call('PATCH', path, { quotas }), 200);
    const refused = await until('the quota holds', async () => {
      const answer = await api.call('POST', '/api/sessions', {});
      if (answer.status === 201) await api.end((answer.json() as Session).id);
      return answer.status !== 201 && answer;
    });
    expect(expectProblem(refused, 429, 'QUOTA_EXCEEDED').quota).toBe('maxTrafficBytesPerMonth');
    await keyed.root.call('PATCH', path, { quotas: { maxTrafficBytesPerMonth: null } });
    const running = (await until('the quota is gone', () => api.create())).id;
    await api.navigate(running, `${site.origin}/`);
    await keyed.root.call('PATCH', path, { quotas });
    const again = (): ReturnType<typeof api.call> =>
      api.call('POST', `/api/sessions/${running}/navigate`, { url: `${site.origin}/` });
    const cutOff = await until('the session is cut off', async () => {
      const answer = await again();
      return answer.status === 422 && answer;
    });
    expect(expectProblem(cutOff, 422, 'EGRESS_REFUSED')).toMatchObject({ reason: 'traffic_quota' });
    await keyed.root.call('PATCH', path, { quotas: { maxTrafficBytesPerMonth: null } });
    await until('it is let go on', async () => (await again()).status === 200);
    await api.end(running);
  });
});

describe('the log', () => {
  it('shows no secret, also none that stood in an address', { tags: 'own-process' }, () => {
    expect(keyed.service.log()).not.toContain(keyed.rootSecret);
    expect(keyed.service.log()).not.toContain('gk_');
  });
});
