import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Session } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RawData, WebSocket } from 'ws';

import type { Api } from './api.ts';
import { browserPid } from './cdp-client.ts';
import { maskedFrame, openRawWebSocket } from './raw-websocket.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const MIB = 1024 ** 2;
const PIECE = 16 * MIB;
/** Chromium itself keeps 256 MiB for a slow client, and loses what is more. */
const ASKED_AT_ONCE = 8;
const ANSWERS = 64;
const MAX_GROWTH_BYTES = 96 * MIB;
/** Their answers are several times what the kernel keeps between two sockets. */
const REFUSALS = 150_000;
const PAUSE_MS = 3_000;
const LONG_MS = 5 * 60_000;

/** Sessions are recycled by requests and memory; these are not about that. */
const WITHOUT_LIMITS = { timeoutMs: LONG_MS, maxRequests: null, memoryLimitMb: null } as const;

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
let session: Session;

beforeAll(async () => {
  service = await startService(stack, { WARM_POOL_SIZE: '0' });
  ({ api } = service);
  session = await api.create(WITHOUT_LIMITS);
});
afterAll(() => stack.disposeAsync());

function residentBytes(): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1_024;
}

/** Watches the service's memory until it is disposed. */
function watchMemory(): Disposable & { readonly growth: () => number } {
  const base = residentBytes();
  let most = base;
  const timer = setInterval(() => (most = Math.max(most, residentBytes())), 50);
  return { growth: () => most - base, [Symbol.dispose]: () => clearInterval(timer) };
}

interface Client extends Disposable {
  readonly socket: WebSocket;
  ask(method: string, params?: object, sessionId?: string): Promise<Record<string, unknown>>;
}

/** A client whose socket can be paused. */
async function openClient(): Promise<Client> {
  const socket = new WebSocket(session.cdpUrl ?? '', { perMessageDeflate: false, maxPayload: 64 * MIB });
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  const opened = Promise.withResolvers<void>();
  socket.once('open', opened.resolve).on('error', opened.reject);
  socket.on('message', (data: RawData) => {
    const { id = 0, ...answer } = JSON.parse((data as Buffer).toString()) as { id?: number };
    waiting.get(id)?.resolve(answer);
    waiting.delete(id);
  });
  socket.on('close', (code, reason) => {
    for (const { reject } of waiting.values()) reject(new Error(`Closed with ${code} ${reason.toString()}`));
  });
  await opened.promise;
  let lastId = 0;
  return {
    socket,
    ask: (method, params = {}, sessionId) => {
      lastId += 1;
      const answer = Promise.withResolvers<Record<string, unknown>>();
      waiting.set(lastId, answer);
      socket.send(JSON.stringify({ id: lastId, method, params, sessionId }));
      return answer.promise;
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
}

async function attachToPage(client: Client): Promise<string> {
  const { result } = (await client.ask('Target.getTargets')) as { result: { targetInfos: { targetId: string }[] } };
  const params = { targetId: result.targetInfos[0]?.targetId, flatten: true };
  const attached = (await client.ask('Target.attachToTarget', params)) as { result: { sessionId: string } };
  return attached.result.sessionId;
}

describe('the memory of the service', () => {
  it(
    'does not grow with what a client leaves unread, and all of it arrives',
    async () => {
      using client = await openClient();
      const sessionId = await attachToPage(client);
      const params = { expression: `'x'.repeat(${PIECE})`, returnByValue: true };
      const ask = async (): Promise<number> => {
        const { result } = (await client.ask('Runtime.evaluate', params, sessionId)) as {
          result: { result: { value: string } };
        };
        return result.result.value.length;
      };
      using memory = watchMemory();
      let asked = ASKED_AT_ONCE;
      let arrived = 0;
      const work = async (first: Promise<number>): Promise<void> => {
        for (let answer = first; ;) {
          expect(await answer).toBe(PIECE);
          arrived += 1;
          if (asked >= ANSWERS) return;
          asked += 1;
          answer = ask();
        }
      };
      const workers = Array.from({ length: ASKED_AT_ONCE }, () => work(ask()));
      client.socket.pause();
      await sleep(PAUSE_MS);
      expect(memory.growth()).toBeLessThan(MAX_GROWTH_BYTES);
      client.socket.resume();
      // A slow reader from here on: it stops for a moment again and again.
      const slowness = setInterval(() => {
        client.socket.pause();
        setTimeout(() => client.socket.resume(), 50);
      }, 200);
      await Promise.all(workers).finally(() => clearInterval(slowness));
      expect(arrived).toBe(ANSWERS);
      expect(memory.growth()).toBeLessThan(MAX_GROWTH_BYTES);
    },
    LONG_MS,
  );

  it(
    'does not grow with what a client sends to a browser that does not read',
    async () => {
      const pid = await browserPid(session.cdpUrl ?? '');
      using client = await openClient();
      const message = JSON.stringify({
        id: 1_000_000,
        method: 'Runtime.evaluate',
        params: { expression: 'x'.repeat(PIECE) },
      });
      using memory = watchMemory();
      process.kill(pid, 'SIGSTOP');
      try {
        for (let sent = 0; sent < 256 * MIB; sent += PIECE) client.socket.send(message);
        let before = -1;
        await until(
          'nothing is taken any more',
          async () => {
            const left = client.socket.bufferedAmount;
            const isStuck = left === before;
            before = left;
            await sleep(500);
            return isStuck;
          },
          { timeoutMs: 60_000 },
        );
        expect(client.socket.bufferedAmount).toBeGreaterThan(200 * MIB);
        await sleep(PAUSE_MS);
        expect(memory.growth()).toBeLessThan(MAX_GROWTH_BYTES);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      expect(await client.ask('Browser.getVersion')).toMatchObject({ result: { protocolVersion: '1.3' } });
      expect(memory.growth()).toBeLessThan(MAX_GROWTH_BYTES);
    },
    LONG_MS,
  );

  it(
    'does not grow with refusals a client leaves unread',
    async () => {
      const { socket } = await openRawWebSocket(session.cdpUrl ?? '');
      using _ended = { [Symbol.dispose]: () => socket.destroy() };
      using memory = watchMemory();
      let received = '';
      socket.setTimeout(0);
      socket.pause();
      const refused = maskedFrame(`{"id":1,"method":"Browser.crash","params":{"x":"${'x'.repeat(400)}"}}`);
      socket.write(Buffer.concat(Array<Buffer>(REFUSALS).fill(refused)));
      socket.write(maskedFrame('{"id":2,"method":"Browser.getVersion"}'));
      await sleep(PAUSE_MS);
      // The first write is not done: the service has stopped reading.
      expect(socket.writableLength).toBeGreaterThan(MIB);
      expect(memory.growth()).toBeLessThan(MAX_GROWTH_BYTES);
      socket.on('data', (chunk: Buffer) => (received = (received + chunk.toString('latin1')).slice(-2_000)));
      socket.resume();
      await until('all is answered', () => received.includes('protocolVersion'), { timeoutMs: 60_000 });
    },
    LONG_MS,
  );
});
