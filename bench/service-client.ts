import { setTimeout as sleep } from 'node:timers/promises';

import type { CreateSession, Session, Status } from '@guise/contract';

import { RestConnection } from './rest-connection.ts';
import type { Timed } from './stopwatch.ts';

const POOL_POLL_MS = 25;
const POOL_TIMEOUT_MS = 60_000;
const CLEAN_UP_TIMEOUT_MS = 60_000;
/** What a browser that has just started still does for itself. Milliseconds. */
const SETTLE_MS = 250;

/** What the benchmarks need to know of a session. */
export interface OpenSession extends AsyncDisposable {
  readonly id: string;
  /** CDP address through the gateway. */
  readonly cdpUrl: string;
  /** Milliseconds from the request to the full answer. */
  readonly createdInMs: number;
}

/** The service as a program that uses it sees it: over HTTP and nothing else. Whoever makes it disposes it. */
export class ServiceClient implements Disposable {
  readonly #connection: RestConnection;

  constructor(address: string) {
    this.#connection = new RestConnection(address);
  }

  async readStatus(signal: AbortSignal): Promise<Status> {
    const { body } = await this.#connection.send('GET', { path: '/status' }, signal);
    return JSON.parse(body.toString('utf8')) as Status;
  }

  /** Resolves when the warm pool is full, nothing is being started, and the machine had a moment to calm down. */
  async waitForCalm(signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(POOL_TIMEOUT_MS)]);
    for (;;) {
      const { warmPool } = await this.readStatus(deadline);
      if (warmPool.ready === warmPool.size && warmPool.starting === 0) break;
      await sleep(POOL_POLL_MS, undefined, { signal: deadline });
    }
    await sleep(SETTLE_MS, undefined, { signal });
  }

  /** Creates a session. The caller must dispose it: that ends it, unless it has been ended. */
  async openSession(options: CreateSession, signal: AbortSignal): Promise<OpenSession> {
    const path = '/api/sessions/create';
    const { body, durationMs } = await this.#connection.send('POST', { path, body: options }, signal);
    const { id, cdpUrl } = JSON.parse(body.toString('utf8')) as Session;
    const session = {
      id,
      cdpUrl: cdpUrl ?? '',
      createdInMs: durationMs,
      [Symbol.asyncDispose]: async () => void (await this.endSession(id, AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS))),
    };
    if (cdpUrl !== null) return session;
    await session[Symbol.asyncDispose]();
    throw new Error(`Session ${id} was created without a CDP address`);
  }

  /** Ends a session; returns the milliseconds until the answer. Ending one twice is fine. */
  async endSession(id: string, signal: AbortSignal): Promise<number> {
    const { durationMs } = await this.#connection.send('DELETE', { path: `/api/sessions/${id}` }, signal);
    return durationMs;
  }

  /** Loads a page and waits for its load event; returns milliseconds. */
  async navigate(id: string, url: string, signal: AbortSignal): Promise<number> {
    const path = `/api/sessions/${id}/navigate`;
    const { durationMs } = await this.#connection.send('POST', { path, body: { url, waitUntil: 'load' } }, signal);
    return durationMs;
  }

  async readSession(id: string, signal: AbortSignal): Promise<Session> {
    const { body } = await this.#connection.send('GET', { path: `/api/sessions/${id}` }, signal);
    return JSON.parse(body.toString('utf8')) as Session;
  }

  /** Runs a script in a session's page; returns milliseconds. */
  async execute(id: string, code: string, signal: AbortSignal): Promise<number> {
    const path = `/api/sessions/${id}/execute`;
    return (await this.#connection.send('POST', { path, body: { code } }, signal)).durationMs;
  }

  /** Takes a picture of the page as PNG. */
  async takeScreenshot(id: string, signal: AbortSignal): Promise<Timed<Buffer>> {
    const path = `/api/sessions/${id}/screenshot`;
    const { body, durationMs } = await this.#connection.send('POST', { path, body: { format: 'png' } }, signal);
    return { value: body, durationMs };
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}
