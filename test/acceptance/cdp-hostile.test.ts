import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Session } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Api } from './api.ts';
import { connectCdp } from './cdp-client.ts';
import { listDescriptors } from './processes.ts';
import {
  closeCodeOf,
  maskedFrame,
  openRawWebSocket,
  type RawWebSocket,
  sendRaw,
  upgradeRequest,
} from './raw-websocket.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

/** As many before as after: what the heap grows to under this load is no leak, what it grows by afterwards is. */
const WARM_UP = 10_000;
const CONNECTIONS = 10_000;
const AT_ONCE = 50;
const MIB = 1024 ** 2;
const MAX_GROWTH_BYTES = 64 * MIB;
/** Descriptors that come and go by themselves, of the database's pool for one. */
const DESCRIPTOR_SLACK = 10;
const LONG_MS = 10 * 60_000;

/** Sessions are recycled by requests and memory; these are not about that. */
const WITHOUT_LIMITS = { timeoutMs: LONG_MS, maxRequests: null, memoryLimitMb: null } as const;

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
let victim: Session;

beforeAll(async () => {
  service = await startService(stack, { WARM_POOL_SIZE: '0' });
  ({ api } = service);
  victim = await api.create(WITHOUT_LIMITS);
});
afterAll(() => stack.disposeAsync());

const cdpUrl = (): string => victim.cdpUrl ?? '';
const apiPort = (): number => Number(new URL(service.address).port);

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1_024;
}

/** Sends bytes over an open WebSocket and waits for its end, or leaves after a moment. */
async function abuse(bytes: Buffer): Promise<void> {
  const { socket, closed } = await openRawWebSocket(cdpUrl());
  socket.write(bytes);
  await Promise.race([closed, sleep(5)]);
  socket.destroy();
}

/** Sends bytes over a new connection, and leaves after a moment whatever the answer. */
async function annoy(port: number, bytes: string | Buffer): Promise<void> {
  const socket = sendRaw(port, bytes);
  await Promise.race([new Promise((resolve) => socket.once('data', resolve)), sleep(20)]);
  socket.destroy();
}

const ATTACKS: readonly (() => Promise<void>)[] = [
  () =>
    annoy(
      apiPort(),
      upgradeRequest(new URL(cdpUrl())).replace('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Version: 8'),
    ),
  () => annoy(apiPort(), upgradeRequest(new URL(cdpUrl())).replace(/Key: .*/, 'Key: short')),
  () => annoy(apiPort(), upgradeRequest(new URL(cdpUrl().replace(/token=.*/, 'token=wrong')))),
  () => annoy(apiPort(), upgradeRequest(new URL(cdpUrl())).slice(0, 60)),
  () => annoy(apiPort(), randomBytes(300)),
  () => annoy(victim.cdpPort ?? 0, randomBytes(300)),
  () =>
    annoy(victim.cdpPort ?? 0, upgradeRequest(new URL(`ws://127.0.0.1:${victim.cdpPort ?? 0}/devtools/page/nobody`))),
  () => abuse(randomBytes(500)),
  () => abuse(Buffer.from([0x81, 0x02, 0x7b, 0x7d])),
  () => abuse(Buffer.from([0x81, ...Array<number>(13).fill(0xff)])),
  () => abuse(maskedFrame('{"method":"Runtime.evaluate","params":{"expression":"', 0x01)),
  () => abuse(maskedFrame('{"params":{"expression":"'.padEnd(60_000, 'x'), 0x01)),
  () => abuse(maskedFrame('{"id":1}')),
  () => abuse(maskedFrame('{"id":1,"method":"Page.navigate","params":{"url":"file:///'.padEnd(10_000, 'x'), 0x01)),
  () =>
    abuse(
      Buffer.concat([
        maskedFrame('{"id":1,"method":"Browser.getVersion"}'),
        maskedFrame('', 0x89),
        Buffer.from([0x81]),
      ]),
    ),
];

async function attack(count: number): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const attempt = ATTACKS[next % ATTACKS.length];
      next += 1;
      await attempt?.();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

describe('clients that break the rules', () => {
  it.each<[number, string, Buffer]>([
    [1002, 'a frame without a mask', Buffer.from([0x81, 0x02, 0x7b, 0x7d])],
    [1002, 'a reserved bit', maskedFrame('{}', 0xc1)],
    [1002, 'a long ping', maskedFrame(Buffer.alloc(126), 0x89)],
    [1002, 'a continuation of nothing', maskedFrame('{}', 0x80)],
    [1003, 'a binary message', maskedFrame('{}', 0x82)],
    [1007, 'what is no JSON', maskedFrame('hello')],
    [1007, 'a message without a method', maskedFrame('{"id":1}')],
    [1008, 'a method that comes twice', maskedFrame('{"id":1,"method":"Browser.getVersion","method":"Browser.crash"}')],
    [1008, 'a key in disguise', maskedFrame('{"id":1,"m\\u0065thod":"Browser.crash"}')],
    [1009, 'a message of 2^62 bytes', Buffer.from([0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
  ])('are sent away with %i for %s', async (code, _what, bytes) => {
    const client: RawWebSocket = await openRawWebSocket(cdpUrl());
    client.socket.write(bytes);
    expect(closeCodeOf(await client.closed)).toBe(code);
  });

  it(
    `may come ${CONNECTIONS} times: nobody else notices, and nothing is left of them`,
    async () => {
      const other = await api.create(WITHOUT_LIMITS);
      using witness = await connectCdp(other.cdpUrl ?? '');
      let answers = 0;
      let isOver = false;
      const watch = (async () => {
        while (!isOver) {
          await witness.send('Browser.getVersion');
          answers += 1;
          await sleep(20);
        }
      })();
      await attack(WARM_UP);
      await until('the warm-up is over', async () => (await api.status()).sessions.cdpClients === 1);
      const descriptors = listDescriptors(service.pid).length;
      const memory = residentBytes(service.pid);

      await attack(CONNECTIONS);

      isOver = true;
      await watch;
      expect(answers).toBeGreaterThan(100);
      await until('all have gone', async () => (await api.status()).sessions.cdpClients === 1, { timeoutMs: 60_000 });
      await until(
        'their descriptors are closed',
        () => listDescriptors(service.pid).length <= descriptors + DESCRIPTOR_SLACK,
        { timeoutMs: 60_000 },
      );
      await until('their memory is free', () => residentBytes(service.pid) <= memory + MAX_GROWTH_BYTES, {
        timeoutMs: 60_000,
      });
      expect(await api.evaluate(victim.id, '1 + 1')).toBe(2);
      expect(await api.evaluate(other.id, '1 + 1')).toBe(2);
    },
    LONG_MS,
  );
});
