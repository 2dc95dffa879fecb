import type { Logger } from '../../platform/logger/logger.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { Redis } from '../../platform/redis/index.ts';
import type { SessionEvents } from '../sessions/index.ts';

const CHANNEL = '{guise}:news';

/** What a node tells the others. */
interface News {
  readonly from: string;
  readonly sessionId: string;
  /** What was measured; without it: something new is in the session's history. */
  readonly sample?: SessionEvents['usageSampled'];
}

interface SessionNewsDeps {
  readonly nodeId: string;
  readonly redis: Pick<Redis, 'publish' | 'subscribe'>;
  readonly events: TypedEmitter<SessionEvents>;
  readonly logger: Logger;
}

/**
 * Tells those who follow sessions on any node that there is something new of them, so that they read it at once. News may be lost: who
 * follows looks every few seconds by itself.
 */
export class SessionNews implements Disposable {
  readonly #deps: SessionNewsDeps;
  readonly #listening = new DisposableStack();
  /** While news of another node is passed on here, which is not to go out again. */
  #isPassingOn = false;

  constructor(deps: SessionNewsDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const { nodeId: from, events, redis } = this.#deps;
    this.#listening.defer(events.on('eventRecorded', ({ sessionId }) => this.#tell({ from, sessionId })));
    this.#listening.defer(
      events.on('usageSampled', (sample) => this.#tell({ from, sessionId: sample.sessionId, sample })),
    );
    await redis.subscribe(CHANNEL, (message) => this.#hear(JSON.parse(message) as News));
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }

  #tell(news: News): void {
    if (this.#isPassingOn) return;
    this.#deps.redis.publish(CHANNEL, JSON.stringify(news)).catch((error: unknown) => {
      this.#deps.logger.debug({ err: error, sessionId: news.sessionId }, 'news could not be told');
    });
  }

  #hear({ from, sessionId, sample }: News): void {
    const { nodeId, events } = this.#deps;
    if (from === nodeId) return;
    this.#isPassingOn = true;
    try {
      if (sample === undefined) events.emit('eventRecorded', { sessionId });
      else events.emit('usageSampled', sample);
    } finally {
      this.#isPassingOn = false;
    }
  }
}
