import { createClient, ErrorReply } from '@redis/client';

import { AppError } from '../../lib/app-error.ts';
import { raceAbort, toError } from '../../lib/deadline.ts';
import { once } from '../../lib/once.ts';
import type { Logger } from '../logger/logger.ts';
import type { Redis, RedisScript, ScriptInput } from './redis.ts';

/** Pause before a lost connection is opened again: it grows with each attempt in vain, up to the longest. Milliseconds. */
const RECONNECT_STEP_MS = 50;
const LONGEST_RECONNECT_MS = 1_000;
/** A server that has answered nothing for this long is spoken to over another connection. Milliseconds. */
const SILENCE_MS = 5_000;
const RETRY_AFTER_SECONDS = 2;

interface OpenRedisOptions {
  readonly url: string;
  /** Time allowed for one command. Milliseconds. */
  readonly commandTimeoutMs: number;
  /** Time allowed for the first connection. Milliseconds. */
  readonly connectTimeoutMs: number;
}

type Client = ReturnType<typeof newClient>;

/**
 * Opens a connection and waits until the server has answered once. The caller disposes it.
 *
 * A connection that is lost, or over which nothing comes any more, is opened again for ever. Meanwhile every command fails, at once
 * or after `commandTimeoutMs`, and none is kept to be sent later: what it would have said may not be true by then.
 *
 * @throws {AppError} DEPENDENCY_UNAVAILABLE
 */
export async function openRedis(options: OpenRedisOptions, logger: Logger): Promise<Redis> {
  const redis = new RedisConnection(options, logger);
  try {
    await redis.connect(AbortSignal.timeout(options.connectTimeoutMs));
  } catch (error) {
    await redis[Symbol.asyncDispose]();
    throw unavailable(error);
  }
  return redis;
}

// Its type is made of all its options.
function newClient({ url, connectTimeoutMs }: OpenRedisOptions) {
  return createClient({
    url,
    disableOfflineQueue: true,
    disableClientInfo: true,
    socket: {
      connectTimeout: connectTimeoutMs,
      reconnectStrategy: (retries) => Math.min(LONGEST_RECONNECT_MS, RECONNECT_STEP_MS * 2 ** Math.min(retries, 10)),
    },
  });
}

class RedisConnection implements Redis {
  readonly #options: OpenRedisOptions;
  readonly #logger: Logger;
  readonly #subscribers: Client[] = [];
  readonly [Symbol.asyncDispose] = once(() => this.#dispose());
  #client: Client;
  /** Since when a command has been waiting in vain for its answer, by `performance.now`; undefined while all is well. */
  #silentSince: number | undefined;
  #isDown = false;
  /** Whether a command finds out for all others whether the server answers again. */
  #isProbing = false;

  constructor(options: OpenRedisOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#client = this.#make();
  }

  get isAnswering(): boolean {
    return this.#silentSince === undefined && this.#client.isReady;
  }

  async connect(signal: AbortSignal): Promise<void> {
    await raceAbort(this.#client.connect(), signal);
    await this.ping();
  }

  async run(script: RedisScript, { keys, args }: ScriptInput): Promise<unknown> {
    const input = { keys: [...keys], arguments: [...args] };
    return this.#ask(async (client) => {
      try {
        return await client.evalSha(script.sha, input);
      } catch (error) {
        if (!(error instanceof ErrorReply) || !error.message.startsWith('NOSCRIPT')) throw error;
        // A server that has been restarted knows no scripts.
        return client.eval(script.text, input);
      }
    });
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.#ask((client) => client.publish(channel, message));
  }

  async subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    const client = this.#make();
    this.#subscribers.push(client);
    await client.connect();
    await client.subscribe(channel, listener);
  }

  async ping(): Promise<void> {
    await this.#ask((client) => client.ping());
  }

  /** Asks the server; while it is silent one command at a time does, and the others are not kept waiting. */
  async #ask<Value>(command: (client: Client) => Promise<Value>): Promise<Value> {
    if (this.#silentSince === undefined) return this.#send(command);
    if (this.#isProbing) throw unavailable(new Error('Redis has not answered the last command'));
    this.#isProbing = true;
    try {
      return await this.#send(command);
    } finally {
      this.#isProbing = false;
    }
  }

  async #send<Value>(command: (client: Client) => Promise<Value>): Promise<Value> {
    const client = this.#client;
    if (!client.isReady) throw unavailable(new Error('There is no connection to Redis'));
    const answered = command(client);
    const noteAnswer = (): void => void (this.#silentSince = client === this.#client ? undefined : this.#silentSince);
    answered.then(noteAnswer, (error: unknown) => error instanceof ErrorReply && noteAnswer());
    try {
      return await raceAbort(answered, AbortSignal.timeout(this.#options.commandTimeoutMs));
    } catch (error) {
      // What the server refuses is wrong with the command.
      if (error instanceof ErrorReply && !isServerState(error)) throw error;
      if (client === this.#client) this.#noteSilence();
      throw unavailable(error);
    }
  }

  /** Replaces a connection over which nothing has come for long: one that was cut without a word is never closed by anybody. */
  #noteSilence(): void {
    const now = performance.now();
    this.#silentSince ??= now;
    if (now - this.#silentSince < SILENCE_MS) return;
    this.#silentSince = now;
    this.#client.destroy();
    this.#client = this.#make();
    this.#client.connect().catch(() => undefined);
  }

  #make(): Client {
    const client = newClient(this.#options);
    // Said once per outage, not per attempt.
    client.on('error', (error: unknown) => {
      if (!this.#isDown) this.#logger.warn({ err: toError(error) }, 'redis connection lost');
      this.#isDown = true;
    });
    client.on('ready', () => {
      if (this.#isDown) this.#logger.info({}, 'redis connection is back');
      this.#isDown = false;
    });
    return client;
  }

  async #dispose(): Promise<void> {
    for (const client of [this.#client, ...this.#subscribers]) if (client.isOpen) client.destroy();
  }
}

/** Refusals of a server that is starting, stopping or without its master: as good as no answer. */
function isServerState({ message }: ErrorReply): boolean {
  return /^(LOADING|BUSY|MASTERDOWN|READONLY|CLUSTERDOWN|TRYAGAIN)\b/.test(message);
}

function unavailable(cause: unknown): AppError {
  return new AppError('DEPENDENCY_UNAVAILABLE', 'Redis cannot be reached', {
    cause,
    extensions: { retryAfterSeconds: RETRY_AFTER_SECONDS },
  });
}
