import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { SessionEvent } from '@guise/contract';

import type { Api } from './api.ts';
import { send } from './http-client.ts';
import { expectProblem } from './problem.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;

beforeAll(async () => {
  service = await startService(stack);
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());

/** Events of a stream, collected as they arrive; `ended` resolves when the service ends it. */
async function openStream(
  id: string,
  headers: Record<string, string> = {},
): Promise<AsyncDisposable & { events: SessionEvent[]; ended: Promise<void> }> {
  const abort = new AbortController();
  const response = await fetch(`${service.address}/api/sessions/${id}/events`, {
    headers: { accept: 'text/event-stream', ...service.headers, ...headers },
    signal: abort.signal,
  });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  const events: SessionEvent[] = [];
  const read = async (): Promise<void> => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      const whole = text.split('\n\n');
      text = whole.pop() ?? '';
      for (const each of whole) {
        const data = /^data: (.*)$/m.exec(each)?.[1];
        if (data !== undefined) events.push(JSON.parse(data) as SessionEvent);
      }
    }
  };
  // Broken off by the test itself.
  const ended = read().catch(() => undefined);
  return {
    events,
    ended,
    [Symbol.asyncDispose]: async () => {
      abort.abort();
      await ended;
    },
  };
}

describe('the events of a session', () => {
  it('are streamed as they happen, after those that have happened, until the session is closed', async () => {
    const { id } = await api.create();
    await using stream = await openStream(id);
    await until('the past has arrived', () => stream.events.length === 2);
    await api.call('PATCH', `/api/sessions/${id}`, { metadata: { seen: 'yes' } });
    await until('the update has arrived', () => stream.events.length === 3);
    await api.end(id);
    await stream.ended;
    expect(stream.events.map(({ type, toState }) => [type, toState])).toEqual([
      ['created', 'INITIALIZING'],
      ['stateChanged', 'ACTIVE'],
      ['updated', null],
      ['stateChanged', 'CLOSING'],
      ['stateChanged', 'CLOSED'],
    ]);
  });

  it('go on after the last one a client has seen', async () => {
    const { id } = await api.create();
    await api.end(id);
    await using whole = await openStream(id);
    await whole.ended;
    const [, second] = whole.events;
    await using rest = await openStream(id, { 'last-event-id': String(second?.id) });
    await rest.ended;
    expect(rest.events).toEqual(whole.events.slice(2));
  });

  it('of an unknown session are refused as usual', async () => {
    const address = `${service.address}/api/sessions/00000000-0000-4000-8000-000000000000/events`;
    expectProblem(
      await send(address, { headers: { accept: 'text/event-stream', ...service.headers } }),
      404,
      'SESSION_NOT_FOUND',
    );
  });

  it('do not hold up the stop of the service', { tags: 'own-process' }, async () => {
    await using own = new AsyncDisposableStack();
    const other = await startService(own, { WARM_POOL_SIZE: '0' });
    const { id } = await other.api.create();
    const response = await fetch(`${other.address}/api/sessions/${id}/events`, {
      headers: { accept: 'text/event-stream' },
    });
    const text = response.text();
    expect(await other.end('SIGTERM')).toBe(0);
    expect(await text).toContain('"reason":"shutdown"');
  });
});
