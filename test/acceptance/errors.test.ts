import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Session } from '@guise/contract';

import type { Api } from './api.ts';
import { type Answer, send } from './http-client.ts';
import { expectProblem } from './problem.ts';
import { type Service, startService } from './service.ts';

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
/** A live session all tests of this file share. */
let id: string;

beforeAll(async () => {
  service = await startService(stack);
  ({ api } = service);
  ({ id } = await api.create());
});
afterAll(() => stack.disposeAsync());

/** Sends a body as it is. */
function post(path: string, body: string | Buffer, contentType = 'application/json'): Promise<Answer> {
  return send(`${service.address}${path}`, {
    method: 'POST',
    body,
    headers: { ...service.headers, 'content-type': contentType },
  });
}

/** Paths of the fields a validation problem names. */
function fieldsOf(answer: Answer, code = 'VALIDATION_FAILED'): string[] {
  const { errors = [], detail } = expectProblem(answer, 400, code);
  for (const { path, message } of errors) {
    expect(message).toMatch(/./);
    // Whoever only reads the sentence learns of each field too.
    if (code === 'VALIDATION_FAILED') expect(detail).toContain(path);
  }
  return errors.map(({ path }) => path);
}

describe('a body', () => {
  it('that is not JSON is 400 and says so', async () => {
    for (const body of ['{', '{"url":}', 'nonsense', '"unfinished', '{"a":1}x', '\uFEFF\u0000']) {
      expectProblem(await post(`/api/sessions/${id}/navigate`, body), 400, 'MALFORMED_JSON');
    }
  });

  it('that tries to reach a prototype is refused', async () => {
    for (const body of ['{"__proto__":{"headless":false}}', '{"constructor":{"prototype":{"a":1}}}']) {
      const answer = await post('/api/sessions', body);
      expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('"code":')]);
    }
  });

  it('that is JSON but no object is 400', async () => {
    for (const body of ['[]', '1', 'null', '"text"', 'true']) {
      expectProblem(await post(`/api/sessions/${id}/navigate`, body), 400, 'VALIDATION_FAILED');
    }
  });

  it('of another type is 415, also when it could be read as JSON', async () => {
    for (const type of [
      'text/plain',
      'application/xml',
      'multipart/form-data; boundary=a',
      'application/x-www-form-urlencoded',
    ]) {
      expectProblem(await post(`/api/sessions/${id}/navigate`, '{}', type), 415, 'UNSUPPORTED_MEDIA_TYPE');
    }
  });

  it('of 2 MB is 413, on every route that takes one', async () => {
    const body = JSON.stringify({ code: 'x'.repeat(2_000_000) });
    for (const path of ['/api/sessions', `/api/sessions/${id}/execute`, `/api/sessions/${id}/navigate`]) {
      expectProblem(await post(path, body), 413, 'PAYLOAD_TOO_LARGE');
    }
  });

  it('that the route needs and does not get is 400', async () => {
    expectProblem(await api.call('POST', `/api/sessions/${id}/navigate`), 400, 'VALIDATION_FAILED');
    expectProblem(await api.call('PATCH', `/api/sessions/${id}`), 400, 'VALIDATION_FAILED');
  });
});

describe('a field', () => {
  it('nobody knows is named, wherever it stands', async () => {
    expect(fieldsOf(await api.call('POST', '/api/sessions', { colour: 'red', headles: true }))).toEqual([
      '/colour',
      '/headles',
    ]);
    const nested = { viewport: { width: 800, height: 600, depth: 3 } };
    expect(fieldsOf(await api.call('POST', '/api/sessions', nested))).toEqual(['/viewport/depth']);
    expect(fieldsOf(await api.call('GET', '/api/sessions?colour=red'))).toEqual(['/colour']);
  });

  it('of the wrong type or out of its limits is named, with all others that are wrong', async () => {
    const body = {
      viewport: { width: 10, height: '600' },
      timeoutMs: 0.5,
      headless: 'false',
      locale: 'not a locale',
      geolocation: { latitude: 91, longitude: 0 },
      metadata: { a: 1 },
    };
    expect(fieldsOf(await api.call('POST', '/api/sessions', body)).sort()).toEqual([
      '/geolocation/latitude',
      '/headless',
      '/locale',
      '/metadata/a',
      '/timeoutMs',
      '/timeoutMs',
      '/viewport/height',
      '/viewport/width',
    ]);
  });

  it('that is required and missing is named', async () => {
    expect(fieldsOf(await api.call('POST', `/api/sessions/${id}/navigate`, {}))).toEqual(['/url']);
    expect(fieldsOf(await api.call('POST', '/api/sessions', { viewport: { width: 800 } }))).toEqual([
      '/viewport/height',
    ]);
  });

  it('that no schema can judge is still checked before anything is started', async () => {
    expect(fieldsOf(await api.call('POST', '/api/sessions', { timezone: 'Mars/Olympus' }))).toEqual(['/timezone']);
    expect(fieldsOf(await api.call('POST', '/api/sessions', { extensions: ['no-such-one'] }))).toEqual([
      '/extensions/0',
    ]);
    expect(fieldsOf(await api.call('GET', '/api/sessions?cursor=nonsense'))).toEqual(['/cursor']);
    const { sessions } = (await api.call('GET', '/api/sessions?limit=1')).json() as { sessions: Session[] };
    expect(sessions.map((newest) => newest.id)).toEqual([id]);
  });

  it('PostgreSQL could not store is refused as the client’s mistake', async () => {
    for (const label of ['a\u0000b', 'a\ud800']) {
      expect(fieldsOf(await api.call('POST', '/api/sessions', { metadata: { team: label } }))).toEqual([
        '/metadata/team',
      ]);
    }
    expectProblem(await api.call('GET', '/api/sessions?metadata.team=%00'), 400, 'VALIDATION_FAILED');
    expectProblem(await api.call('GET', '/api/sessions?nodeId=%00'), 400, 'VALIDATION_FAILED');
  });

  it('of a screenshot or script that contradicts another is named', async () => {
    const both = { fullPage: true, selector: 'body' };
    expect(fieldsOf(await api.call('POST', `/api/sessions/${id}/screenshot`, both))).toEqual(['/clip']);
    expect(fieldsOf(await api.call('POST', `/api/sessions/${id}/screenshot`, { quality: 50 }))).toEqual(['/quality']);
    const scripts = { code: '1', function: '() => 1' };
    expect(fieldsOf(await api.call('POST', `/api/sessions/${id}/execute`, scripts))).toEqual(['/code']);
    expect(fieldsOf(await api.call('POST', `/api/sessions/${id}/execute`, {}))).toEqual(['/code']);
    expect(fieldsOf(await api.call('POST', `/api/sessions/${id}/execute`, { code: '1', args: [] }))).toEqual(['/args']);
  });
});

describe('an identity', () => {
  const create = (options: object): ReturnType<typeof api.call> => api.call('POST', '/api/sessions', options);

  it('that cannot be worn at a level is named', async () => {
    for (const [options, field] of [
      [{ stealthLevel: 'none', profile: { os: 'macos' } }, '/profile'],
      [{ stealthLevel: 'advanced', userAgent: 'mine' }, '/userAgent'],
      [{ stealthLevel: 'maximum', headless: true }, '/headless'],
      [{ profile: { os: 'android' }, viewport: { width: 800, height: 600 } }, '/viewport'],
      [{ profile: { os: 'windwos' } }, '/profile/os'],
      [{ profile: { operatingSystem: 'windows' } }, '/profile/operatingSystem'],
    ] as const) {
      expect([options, fieldsOf(await create(options))]).toEqual([options, [field]]);
    }
  });

  it('that contradicts itself is refused with every rule it breaks, unless it is wanted so', async () => {
    const { identity, id: first } = await api.create({ profile: { os: 'linux', seed: 1 } });
    await api.end(first);
    const fingerprint = identity?.fingerprint;
    if (fingerprint == null) throw new Error('the session has no fingerprint');
    const profile = { ...fingerprint, navigatorPlatform: 'Win32', hardware: { ...fingerprint.hardware, cpuCores: 7 } };
    const { faults, detail } = expectProblem(await create({ profile }), 422, 'PROFILE_INCOHERENT');
    expect(new Set(faults?.map(({ rule }) => rule))).toEqual(new Set(['S4', 'S6']));
    expect(detail).toContain('/navigatorPlatform');
    const session = await api.create({ profile, allowIncoherent: true });
    expect(await api.evaluate(session.id, 'navigator.platform')).toBe('Win32');
    await api.end(session.id);
  });
});

describe('an option of a later version', () => {
  it('is refused by name, each of them', async () => {
    const answer = await api.call('POST', '/api/sessions', { record: true });
    expect(fieldsOf(answer, 'OPTION_NOT_AVAILABLE')).toEqual(['/record']);
  });

  it('is refused where pictures and prints are to be stored', async () => {
    for (const path of ['screenshot', 'pdf']) {
      const answer = await api.call('POST', `/api/sessions/${id}/${path}`, { store: true });
      expect(fieldsOf(answer, 'OPTION_NOT_AVAILABLE')).toEqual(['/store']);
    }
  });
});

describe('a launch flag', () => {
  it('that moves traffic, files, the debugging port or the sandbox is refused', async () => {
    const refused = [
      '--proxy-server=http://127.0.0.1:1',
      '--user-data-dir=/tmp',
      '--remote-debugging-port=9222',
      '--remote-debugging-address=0.0.0.0',
      '--remote-allow-origins=*',
      '--no-sandbox',
      '--load-extension=/tmp',
      '--disable-web-security',
      '--renderer-cmd-prefix=/bin/sh',
      '--gpu-launcher=/bin/sh',
      '--mute-audio2',
    ];
    for (const flag of refused) {
      const answer = await api.call('POST', '/api/sessions', { launchArgs: ['--mute-audio', flag] });
      expect(fieldsOf(answer)).toEqual(['/launchArgs/1']);
    }
  });
});

describe('a route', () => {
  it('that does not exist is 404, also for another method than it has', async () => {
    expectProblem(await api.call('GET', '/api/nothing'), 404, 'ROUTE_NOT_FOUND');
    expectProblem(await api.call('GET', '/'), 404, 'ROUTE_NOT_FOUND');
    expectProblem(await api.call('PUT', '/api/sessions'), 404, 'ROUTE_NOT_FOUND');
    expectProblem(await api.call('POST', `/api/sessions/${id}/fly`, {}), 404, 'ROUTE_NOT_FOUND');
    expectProblem(await api.call('GET', '/problems/no-such-problem'), 404, 'ROUTE_NOT_FOUND');
  });

  it('whose address is no address is 400', async () => {
    for (const path of ['/%', '/%zz', '/api/sessions/%ff', '/api/sessions/%']) {
      expectProblem(await api.call('GET', path), 400, 'VALIDATION_FAILED');
    }
  });

  it('is not needed to be told that a request is no HTTP', async () => {
    const { hostname, port } = new URL(service.address);
    const socket = connect(Number(port), hostname);
    socket.end('HELLO THERE\r\n\r\n');
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*Content-Type: application\/problem\+json/);
    expect(JSON.parse(body)).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
  });

  it('tells what each kind of problem it speaks of means', async () => {
    const problem = expectProblem(await api.call('GET', `/api/sessions/${randomUUID()}`), 404, 'SESSION_NOT_FOUND');
    const { code, status, title, retryable } = problem;
    const kind = await api.call('GET', problem.type);
    expect([kind.status, kind.json()]).toEqual([200, { code, status, title, retryable }]);
  });

  it('leaves tokens in an address out of its problem document', async () => {
    const answer = await api.call('GET', '/api/nothing?token=secret');
    expect(expectProblem(answer, 404, 'ROUTE_NOT_FOUND').instance).toBe('/api/nothing');
    expect(answer.text).not.toContain('secret');
  });
});

/** Every route of a session, with a body it would take. */
const SESSION_ROUTES: readonly (readonly [method: string, path: string, body?: object])[] = [
  ['POST', '/execute', { code: '1' }],
  ['POST', '/navigate', { url: 'about:blank' }],
  ['POST', '/screenshot'],
  ['POST', '/pdf'],
  ['POST', '/input', { actions: [{ type: 'move', x: 1, y: 1 }] }],
  ['GET', '/content'],
  ['GET', '/cookies'],
  ['PUT', '/cookies', { cookies: [] }],
  ['POST', '/keepalive'],
  ['PATCH', '', { metadata: {} }],
];

describe('a session', () => {
  it('that never was is 404 on every route, whatever its id looks like', async () => {
    for (const unknown of [randomUUID(), 'nonsense', '%00', "';drop table sessions;--"]) {
      for (const [method, path, body] of [
        ...SESSION_ROUTES,
        ['GET', ''],
        ['DELETE', ''],
        ['GET', '/events'],
      ] as const) {
        const answer = await api.call(method, `/api/sessions/${encodeURIComponent(unknown)}${path}`, body);
        expectProblem(answer, 404, 'SESSION_NOT_FOUND');
      }
    }
    // Ending a session that never was has ended none.
    expect((await api.get(id)).state).not.toBe('CLOSED');
  });

  it('that has ended is 410 with the reason on every route that acts on it, and stays readable', async () => {
    const ended = await api.create({ metadata: { kept: 'yes' } });
    await api.end(ended.id);
    for (const [method, path, body] of SESSION_ROUTES) {
      const answer = await api.call(method, `/api/sessions/${ended.id}${path}`, body);
      expect(expectProblem(answer, 410, 'SESSION_ENDED').closeReason).toBe('requested');
    }
    expect(await api.get(ended.id)).toMatchObject({
      state: 'CLOSED',
      closeReason: 'requested',
      cdpPort: null,
      cdpUrl: null,
      liveUrl: null,
      metadata: { kept: 'yes' },
    });
  });
});
