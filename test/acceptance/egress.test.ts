import { createServer } from 'node:net';

import type { CreateSession, Session, SessionEvent, SessionEventList, UpdateSession } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { startForwardProxy } from './forward-proxy.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { expectProblem } from './problem.ts';
import { openDataDir, type Service, startService, startServiceOn } from './service.ts';
import { until } from './until.ts';

const SETTINGS = { EGRESS_ALLOW: '127.0.0.1/32', EGRESS_PROXY_ALLOW: '127.0.0.0/8' };
/** May not be reached. */
const FORBIDDEN = '127.0.0.2';

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
let site: PageServer;

beforeAll(async () => {
  site = await startPageServer(stack);
  site.on('/', '<title>Site</title>');
  site.on('/big', (_request, response) => void response.end(Buffer.alloc(3_000_000, 'x')));
  service = await startService(stack, SETTINGS);
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());

async function withSession<Value>(options: CreateSession, run: (session: Session) => Promise<Value>): Promise<Value> {
  const session = await api.create(options);
  try {
    return await run(session);
  } finally {
    await api.end(session.id);
  }
}

const navigate = (id: string, url: string): ReturnType<Api['call']> =>
  api.call('POST', `/api/sessions/${id}/navigate`, { url });
const change = async (id: string, body: UpdateSession): Promise<Session> =>
  expectStatus<Session>(await api.call('PATCH', `/api/sessions/${id}`, body), 200);

async function eventsOf(id: string, type: SessionEvent['type']): Promise<SessionEvent[]> {
  const { events } = expectStatus<SessionEventList>(await api.call('GET', `/api/sessions/${id}/events`), 200);
  return events.filter((event) => event.type === type);
}

/** A listener that nobody may reach, and how many did. */
async function startForbidden(owned: AsyncDisposableStack): Promise<{ readonly port: number; arrived(): number }> {
  let arrived = 0;
  const server = createServer((socket) => {
    arrived += 1;
    socket.destroy();
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, FORBIDDEN, listening.resolve);
  await listening.promise;
  owned.defer(() => void server.close());
  return { port: (server.address() as { port: number }).port, arrived: () => arrived };
}

describe('an address that sessions may not reach', () => {
  it.each(['http', 'https'])('is refused by its reason over %s, and nothing arrives', async (scheme) => {
    await using owned = new AsyncDisposableStack();
    const forbidden = await startForbidden(owned);
    await withSession({}, async ({ id }) => {
      const answer = await navigate(id, `${scheme}://${FORBIDDEN}:${forbidden.port}/`);
      expect(expectProblem(answer, 422, 'EGRESS_REFUSED')).toMatchObject({
        reason: 'address',
        detail: expect.stringContaining(FORBIDDEN) as string,
      });
      const [event] = await until('the refusal is recorded', async () => {
        const found = await eventsOf(id, 'egressRefused');
        return found.length > 0 ? found : undefined;
      });
      expect(event?.data).toMatchObject({ host: FORBIDDEN, port: forbidden.port, reason: 'address' });
      expect((await api.get(id)).traffic?.refusals).toBeGreaterThan(0);
      // It goes on where it may.
      expect((await api.navigate(id, site.origin)).title).toBe('Site');
    });
    expect(forbidden.arrived()).toBe(0);
  });

  it('is not told from one where nobody is, by a page that asks for it', async () => {
    await using owned = new AsyncDisposableStack();
    const forbidden = await startForbidden(owned);
    await withSession({}, async ({ id }) => {
      await api.navigate(id, site.origin);
      const ask = `fetch('http://${FORBIDDEN}:${forbidden.port}/', {mode: 'no-cors'}).then(() => 'answered', (error) => error.message)`;
      expect(await api.evaluate(id, ask)).toBe('Failed to fetch');
    });
    expect(forbidden.arrived()).toBe(0);
  });
});

describe('the domains of a session', () => {
  it('are those it is allowed, or all but those it is not, and can be changed while it lives', async () => {
    await withSession({ allowedDomains: ['example.com'] }, async ({ id }) => {
      expectProblem(await navigate(id, site.origin), 422, 'EGRESS_REFUSED');
      await change(id, { allowedDomains: ['127.0.0.1'] });
      expect((await api.navigate(id, site.origin)).status).toBe(200);
      await change(id, { allowedDomains: null, blockedDomains: ['127.0.0.1'] });
      expectProblem(await navigate(id, site.origin), 422, 'EGRESS_REFUSED');
    });
  });
});

describe('an upstream proxy', () => {
  it('carries everything, is shown without its credentials, and is changed while the session lives', async () => {
    await using owned = new AsyncDisposableStack();
    const [one, other] = [
      await startForwardProxy(owned, { credentials: 'anna:secret' }),
      await startForwardProxy(owned),
    ];
    await withSession({ proxy: `http://anna:secret@${one.address}` }, async ({ id, proxy }) => {
      expect(proxy).toEqual({ id: null, url: `http://${one.address}`, group: null });
      await api.navigate(id, site.origin);
      expect(one.asked).toContain(new URL(site.origin).host);
      const changed = await change(id, { proxy: `http://${other.address}` });
      expect(changed.proxy?.url).toBe(`http://${other.address}`);
      const before = one.asked.length;
      await api.navigate(id, `${site.origin}/?again`);
      expect(one.asked.length).toBe(before);
      expect(other.asked).toContain(new URL(site.origin).host);
      expect((await change(id, { proxy: null })).proxy).toBeNull();
      await api.navigate(id, `${site.origin}/?direct`);
      expect([one.asked.length, other.asked.length]).toEqual([before, other.asked.length]);
    });
    expect(service.log()).not.toContain('secret');
  });

  it('that does not know the credentials is named as what is wrong, and no login box is shown', async () => {
    await using owned = new AsyncDisposableStack();
    const proxy = await startForwardProxy(owned, { credentials: 'anna:secret' });
    await withSession({ proxy: `http://anna:wrong@${proxy.address}` }, async ({ id }) => {
      for (const url of [site.origin, site.origin.replace('http:', 'https:')]) {
        expect(expectProblem(await navigate(id, url), 502, 'PROXY_FAILED')).toMatchObject({ reason: 'proxy_auth' });
      }
      await until('it is recorded', async () => (await eventsOf(id, 'proxyFailed')).length > 0);
    });
    expect(proxy.asked).toEqual([]);
  });

  it('of two kinds at once, or of none, is an error that names the field', async () => {
    const proxyId = '00000000-0000-4000-8000-000000000000';
    const both = await api.call('POST', '/api/sessions', { proxy: 'http://proxy.example:1', proxyId });
    expectProblem(both, 400, 'VALIDATION_FAILED');
    expectProblem(await api.call('POST', '/api/sessions', { proxyId }), 404, 'PROXY_NOT_FOUND');
    const odd = await api.call('POST', '/api/sessions', { proxy: 'ftp://anna:secret@proxy.example' });
    expect(expectProblem(odd, 400, 'VALIDATION_FAILED').errors?.[0]?.path).toBe('/proxy');
    expect(odd.text).not.toContain('secret');
  });
});

describe('the traffic of a session', () => {
  it('is counted, and ends where its limit is', async () => {
    await withSession({ trafficLimitMb: 1 }, async ({ id, trafficLimitMb }) => {
      expect(trafficLimitMb).toBe(1);
      await api.navigate(id, site.origin);
      const before = (await api.get(id)).traffic;
      expect(before).toMatchObject({ refusals: 0 });
      expect(before?.receivedBytes).toBeGreaterThan(0);
      expect(before?.sentBytes).toBeGreaterThan(0);
      const ask = `fetch('/big').then((answer) => answer.arrayBuffer()).then(() => 'whole', () => 'broken off')`;
      expect(await api.evaluate(id, ask)).toBe('broken off');
      expect(expectProblem(await navigate(id, site.origin), 422, 'EGRESS_REFUSED')).toMatchObject({
        reason: 'traffic_limit',
      });
      await change(id, { trafficLimitMb: null });
      expect((await api.navigate(id, site.origin)).status).toBe(200);
      expect(await api.evaluate(id, ask)).toBe('whole');
      expect((await api.get(id)).traffic?.receivedBytes).toBeGreaterThan(4_000_000);
    });
  });
});

describe('a fingerprint that would have WebRTC leave beside the way out', () => {
  it('is worn without that, and the session says so', async () => {
    const worn = await withSession({}, async ({ identity, warnings }) => {
      expect(warnings.map(({ path }) => path)).not.toContain('/webrtcPolicy');
      return identity?.fingerprint ?? undefined;
    });
    if (worn === undefined) throw new Error('The session claims nothing');
    const fingerprint = { ...worn, webrtcPolicy: 'default' as const };
    await withSession({ profile: fingerprint }, async ({ id, warnings }) => {
      expect(warnings).toContainEqual({
        path: '/webrtcPolicy',
        message: expect.stringContaining('not applied') as string,
      });
      await api.navigate(id, site.origin);
      const gather = `new Promise(async (resolve) => {
        const peer = new RTCPeerConnection();
        const found = [];
        peer.onicecandidate = ({ candidate }) => candidate ? found.push(candidate.candidate) : resolve(found.join());
        peer.createDataChannel('a');
        await peer.setLocalDescription(await peer.createOffer());
      })`;
      expect(await api.evaluate(id, gather)).not.toMatch(/ udp /i);
    });
  });
});

describe('a way out', () => {
  it('is kept when the browser is started anew', async () => {
    await using owned = new AsyncDisposableStack();
    const proxy = await startForwardProxy(owned);
    const options = { proxy: `http://${proxy.address}`, recycle: 'restart', maxRequests: 2 } as const;
    await withSession(options, async ({ id }) => {
      await api.navigate(id, site.origin);
      await api.evaluate(id, '1');
      await until('the browser is another', async () => (await eventsOf(id, 'browserRestarted')).length > 0);
      const before = proxy.asked.length;
      const direct = site.requests.length;
      await api.navigate(id, `${site.origin}/?restarted`);
      expect(proxy.asked.length - before).toBeGreaterThan(0);
      expect(site.requests.length).toBeGreaterThan(direct);
    });
  });

  it('is kept when the service is killed and takes the session over', async () => {
    await using owned = new AsyncDisposableStack();
    const proxy = await startForwardProxy(owned, { credentials: 'anna:secret' });
    const dataDir = await openDataDir(owned);
    const settings = { ...SETTINGS, WARM_POOL_SIZE: '0' };
    const first = await startServiceOn(dataDir, settings);
    const { id } = await first.api.create({ proxy: `http://anna:secret@${proxy.address}`, blockedDomains: ['a.test'] });
    await first.api.navigate(id, site.origin);
    await first.end('SIGKILL');
    const before = proxy.asked.length;

    const second = owned.use(await startServiceOn(dataDir, settings));
    expect(await second.api.get(id)).toMatchObject({ state: 'ACTIVE', proxy: { url: `http://${proxy.address}` } });
    expect((await second.api.navigate(id, `${site.origin}/?again`)).status).toBe(200);
    expect(proxy.asked.length).toBeGreaterThan(before);
    const refused = await second.api.call('POST', `/api/sessions/${id}/navigate`, { url: 'http://a.test/' });
    expectProblem(refused, 422, 'EGRESS_REFUSED');
  });
});
