import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { expectStatus } from './api.ts';
import { connectRpc } from './rpc-client.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const MESSAGES = 2_000;
const PER_CONNECTION = 50;

interface Operation {
  readonly action: string;
  readonly channel: { readonly $ref: string };
  readonly messages: readonly { readonly $ref: string }[];
}
interface Document {
  readonly channels: Record<string, { readonly address: string; readonly messages: Record<string, unknown> }>;
  readonly operations: Record<string, Operation>;
}

const stack = new AsyncDisposableStack();
let service: Service;
let document: Document;

beforeAll(async () => {
  service = await startService(stack, { MAX_SESSIONS: '2', QUEUE_LIMIT: '0' });
  document = expectStatus<Document>(await service.api.call('GET', '/asyncapi.json'), 200);
});
afterAll(() => stack.disposeAsync());

function methodNames(): string[] {
  return Object.entries(document.operations)
    .filter(([, { action, channel }]) => action === 'receive' && channel.$ref === '#/channels/realtime')
    .map(([name]) => name);
}

describe('the AsyncAPI document', () => {
  it('refers only to what it has, and names every address that streams', () => {
    const text = JSON.stringify(document);
    for (const [, reference = ''] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = reference
        .split('/')
        .reduce<unknown>((each, name) => (each as Record<string, unknown> | undefined)?.[name], document);
      expect(found, reference).toBeDefined();
    }
    expect(Object.values(document.channels).map(({ address }) => address)).toEqual([
      '/api/ws',
      '/api/sessions/{sessionId}/cdp',
      '/connect',
      '/api/sessions/{sessionId}/events',
    ]);
  });

  it('names methods that are all there', async () => {
    const names = methodNames();
    expect(names).toContain('session.create');
    expect(names.length).toBeGreaterThan(15);
    using client = await connectRpc(service.address);
    for (const name of names) {
      const { error } = await client.ask(name, { unknown: true });
      expect([name, error?.code]).toEqual([name, -32_602]);
    }
  });
});

describe('the real-time interface', () => {
  it('is counted, by method and outcome', async () => {
    using client = await connectRpc(service.address);
    await client.call('session.list');
    await client.ask('session.get', { sessionId: 'none' });
    await client.ask('no such method');
    const { text } = await service.api.call('GET', '/metrics');
    expect(text).toMatch(/^guise_realtime_clients 1$/m);
    expect(text).toMatch(/^guise_realtime_calls_total\{method="session.list",outcome="ok"\} [1-9]/m);
    expect(text).toMatch(/^guise_realtime_calls_total\{method="session.get",outcome="SESSION_NOT_FOUND"\} [1-9]/m);
    expect(text).toMatch(/^guise_realtime_calls_total\{method="unknown",outcome="ROUTE_NOT_FOUND"\} [1-9]/m);
  });

  it(`bears ${MESSAGES} random messages, and leaves nothing of who has sent them`, async () => {
    const { id } = await service.api.create();
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(id, -1, '', null, ['events'], 'x'));
    const member = fc.constantFrom(
      'sessionId',
      'topics',
      'after',
      'requestId',
      'subscriptionId',
      'code',
      'limit',
      '__proto__',
    );
    // Not those that would end the session or wait long.
    const methods = methodNames().filter(
      (name) => !['session.end', 'session.create', 'session.navigate'].includes(name),
    );
    const request = fc.record(
      {
        jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant('2.0') }, { weight: 1, arbitrary: value }),
        id: value,
        method: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...methods) }, { weight: 1, arbitrary: value }),
        params: fc.oneof(fc.dictionary(member, value, { maxKeys: 3 }), value),
      },
      { requiredKeys: [] },
    );
    const message = fc.oneof(
      request.map((each) => JSON.stringify(each)),
      fc.array(fc.oneof(request, value), { maxLength: 6 }).map((each) => JSON.stringify(each)),
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom('['.repeat(100_000), '{"a":'.repeat(20_000), '[]', '{}', 'null', '1e999'),
    );
    const seed = Date.now();
    const messages = fc.sample(message, { numRuns: MESSAGES, seed });
    for (let start = 0; start < messages.length; start += PER_CONNECTION) {
      const socket = new WebSocket(`${service.address.replace('http', 'ws')}/api/ws`);
      const opened = Promise.withResolvers<void>();
      const gone = Promise.withResolvers<void>();
      socket.once('open', opened.resolve);
      socket.once('error', opened.reject);
      socket.once('close', () => gone.resolve());
      await opened.promise;
      for (const each of messages.slice(start, start + PER_CONNECTION)) socket.send(each);
      socket.close();
      await gone.promise;
      expect((await service.api.call('GET', '/health/live')).status, `seed ${seed}`).toBe(200);
    }
    const { text } = await service.api.call('GET', '/metrics');
    expect(text, `seed ${seed}`).not.toMatch(/guise_realtime_calls_total\{.*outcome="INTERNAL"/);
    await until('all have gone', async () =>
      /^guise_realtime_clients 0$/m.test((await service.api.call('GET', '/metrics')).text),
    );
    expect((await service.api.get(id)).state).toBe('ACTIVE');
    await service.api.end(id);
  });
});
