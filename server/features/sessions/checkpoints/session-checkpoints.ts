import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

import type { BrowserCheckpoint } from '../../../browser/index.ts';
import { openSealed, sealStream } from '../../../lib/sealed-stream.ts';
import type { CheckpointRepository } from './checkpoint-repository.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** The fastest that is any good: it is done again in a few seconds. */
const LEVEL = 1;
/** Many times what a browser may say; more than that is none of ours. */
const MAX_BYTES = 256 * 1024 ** 2;

interface SessionCheckpointsDeps {
  readonly repository: CheckpointRepository;
  /** The first seals; any of them opens. 32 bytes each. */
  readonly keys: readonly [Uint8Array, ...Uint8Array[]];
}

/** What another node needs to go on with a session, kept where every node reads it: cookies are as good as passwords, so it is encrypted. */
export class SessionCheckpoints {
  readonly #deps: SessionCheckpointsDeps;

  constructor(deps: SessionCheckpointsDeps) {
    this.#deps = deps;
  }

  /** Keeps a checkpoint in place of the one before; false where the session is not this node's, or ends. */
  async save(sessionId: string, checkpoint: BrowserCheckpoint): Promise<boolean> {
    const plain = await compress(JSON.stringify(checkpoint), { level: LEVEL });
    const sealed = sealStream(only(plain), { key: this.#deps.keys[0], context: contextOf(sessionId) });
    return this.#deps.repository.save(sessionId, await buffer(sealed));
  }

  /** The last checkpoint of a session; undefined where it has none. @throws {SealError} */
  async find(sessionId: string): Promise<BrowserCheckpoint | undefined> {
    const sealed = await this.#deps.repository.find(sessionId);
    if (sealed === undefined) return undefined;
    const { keys } = this.#deps;
    const plain = await buffer(openSealed(only(sealed), { keys, context: contextOf(sessionId) }));
    const json = await decompress(plain, { maxOutputLength: MAX_BYTES });
    return JSON.parse(json.toString()) as BrowserCheckpoint;
  }

  /** Those of these sessions that have one. */
  async listSaved(sessionIds: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(sessionIds.length === 0 ? [] : await this.#deps.repository.listSaved(sessionIds));
  }
}

function contextOf(sessionId: string): string {
  return `checkpoints/${sessionId}`;
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
