import { createHash } from 'node:crypto';

/** A script that Redis runs as one step: nothing else happens between its commands. */
export interface RedisScript {
  readonly text: string;
  /** Name of the script at the server: SHA-1 of its text, in hexadecimal. */
  readonly sha: string;
}

/** What a script is run with. */
export interface ScriptInput {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** What the features need from Redis, and all they may use. */
export interface Redis extends AsyncDisposable {
  /** Whether the server has answered the last that was asked of it. */
  readonly isAnswering: boolean;
  /**
   * Runs a script; gives what it returns, as Redis puts it. Whether it has run is not known when this rejects.
   *
   * @throws {AppError} DEPENDENCY_UNAVAILABLE when the server does not answer in time
   */
  run(script: RedisScript, input: ScriptInput): Promise<unknown>;
  /** Tells all who have subscribed to a channel. @throws {AppError} DEPENDENCY_UNAVAILABLE */
  publish(channel: string, message: string): Promise<void>;
  /** Has `listener` told of what is published to a channel, also after the connection was lost, until this is disposed. */
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  /** @throws {AppError} DEPENDENCY_UNAVAILABLE */
  ping(): Promise<void>;
}

/** A script of this text. */
export function redisScript(text: string): RedisScript {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
