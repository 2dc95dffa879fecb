import { setTimeout as sleep } from 'node:timers/promises';

import { AppError, isUnavailable } from '../../lib/app-error.ts';
import { isTimeout } from '../../lib/deadline.ts';
import { RecentPace } from '../../lib/recent-pace.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import {
  type Admission,
  type AdmissionRequest,
  type Place,
  PRIORITY_STEP_MS,
  type SessionPlaces,
} from '../pool/index.ts';
import { type ClusterStore, type Taking, TICKET_MS } from './cluster-store.ts';
import { PlacedElsewhere } from './placed-elsewhere.ts';

/** How soon a create in line asks again: the first ones often, those far behind seldom. Milliseconds. */
const ASK_AGAIN_MS = 100;
const LONGEST_ASK_AGAIN_MS = 1_000;
/** A node that did not answer is given no more places by this one for so long: by then it is back, or lost. Milliseconds. */
const AVOIDED_MS = 10_000;

interface ClusterAdmissionDeps {
  readonly nodeId: string;
  readonly store: Pick<ClusterStore, 'take' | 'release'>;
  /** This node's own: it has the last word, as only it knows its memory. */
  readonly local: SessionPlaces & Pick<Admission, 'queueTimeoutMs'>;
  readonly logger: Logger;
}

/**
 * Decides whether the cluster takes one more session, and which node does.
 *
 * Redis knows the places of all nodes and one line of all who wait. A place there comes before the node's own place and is given back
 * after it, so a node never has more sessions than places. Without Redis nobody can tell how many there are: creates are refused.
 */
export class ClusterAdmission implements SessionPlaces {
  readonly #deps: ClusterAdmissionDeps;
  readonly #held = new Set<string>();
  readonly #releases = new RecentPace(() => performance.now());
  /** Why this node takes nothing for now. */
  #refusal: AppError | undefined;
  /** Nodes that did not answer, with when. */
  readonly #silent = new Map<string, number>();
  #waiting = 0;
  #freed = Promise.withResolvers<void>();

  constructor(deps: ClusterAdmissionDeps) {
    this.#deps = deps;
  }

  /** Sessions that have places on this node. */
  get held(): readonly string[] {
    return [...this.#held];
  }

  /** Creates of this node's clients in line. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether this node takes creates. */
  get isOpen(): boolean {
    return this.#refusal === undefined;
  }

  /** Refuses all creates with `refusal` from now on; without one, takes them again. */
  refuse(refusal: AppError | undefined): void {
    this.#refusal = refusal;
  }

  /**
   * Takes a place on this node for one session. The caller must dispose it.
   *
   * @throws {PlacedElsewhere} when it has got its place on another node
   * @throws {AppError} CAPACITY_EXHAUSTED when the line is full or the wait too long; DEPENDENCY_UNAVAILABLE; SHUTTING_DOWN
   */
  async acquire(request: AdmissionRequest, signal: AbortSignal): Promise<Place> {
    const { nodeId: self, local } = this.#deps;
    const { sessionId } = request;
    const nodeId = await this.#take(request, signal);
    if (nodeId !== self) throw new PlacedElsewhere({ nodeId, sessionId });
    this.#held.add(sessionId);
    try {
      return this.#hold(sessionId, await local.acquire(request, signal));
    } catch (error) {
      this.#giveBack(sessionId);
      throw error;
    }
  }

  /** Counts a session that runs here already. The caller must dispose the place. */
  admitRunning(sessionId: string): Place {
    // The next beat says so to the others.
    this.#held.add(sessionId);
    return this.#hold(sessionId, this.#deps.local.admitRunning(sessionId));
  }

  /** Has no places taken on a node that has not answered, for a while. */
  avoid(nodeId: string): void {
    this.#silent.set(nodeId, performance.now());
  }

  /** Gives up a place on another node that could not be used. Never rejects. */
  async giveUp(sessionId: string, nodeId?: string): Promise<void> {
    try {
      await this.#deps.store.release(sessionId, nodeId);
    } catch (error) {
      // The node's own beats do it: it does not know of this one.
      this.#deps.logger.debug({ err: error, sessionId }, 'place could not be given back yet');
    }
  }

  async #take(request: AdmissionRequest, signal: AbortSignal): Promise<string> {
    const patience = AbortSignal.timeout(this.#deps.local.queueTimeoutMs);
    this.#waiting += 1;
    try {
      return await this.#wait(request, AbortSignal.any([signal, patience]));
    } catch (error) {
      // On this node it has been given one where another has sent it here.
      void this.giveUp(request.sessionId, this.#deps.nodeId);
      if (!isTimeout(error) || signal.aborted) throw error;
      throw this.#exhausted(`and that did not change within ${this.#deps.local.queueTimeoutMs} ms`);
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Asks until there is a place. Rejects when `signal` is aborted; what it has got by then is given back. */
  async #wait(request: AdmissionRequest, signal: AbortSignal): Promise<string> {
    let keptUntil = -Infinity;
    for (;;) {
      signal.throwIfAborted();
      if (this.#refusal !== undefined) throw this.#refusal;
      const freed = this.#freed.promise;
      const askedAt = performance.now();
      const taking = await this.#ask(request, keptUntil);
      // A server that has lost its data knows neither the line nor, until they have said so, the nodes.
      if (taking.outcome === 'full' && performance.now() > keptUntil)
        throw this.#exhausted(`and ${taking.length} creates wait already`);
      if (taking.outcome === 'placed') {
        if (!signal.aborted) return taking.nodeId;
        await this.giveUp(request.sessionId, taking.nodeId);
        continue;
      }
      if (taking.outcome === 'waiting') keptUntil = askedAt + TICKET_MS;
      const pauseMs = Math.min(
        LONGEST_ASK_AGAIN_MS,
        taking.outcome === 'waiting' ? ASK_AGAIN_MS * taking.position : Infinity,
      );
      await Promise.race([freed, sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)]);
    }
  }

  /** Asks once. A server that is slow to answer sends away nobody whose place in line it still keeps. @throws as `ClusterStore.take` */
  async #ask(
    { sessionId, priority = 0 }: AdmissionRequest,
    keptUntil: number,
  ): Promise<Taking | { outcome: 'unknown' }> {
    const { store, nodeId: self } = this.#deps;
    const priorityMs = priority * PRIORITY_STEP_MS;
    try {
      return await store.take({ sessionId, priorityMs, self, avoid: this.#listAvoided() });
    } catch (error) {
      if (!isUnavailable(error) || performance.now() > keptUntil) throw error;
      return { outcome: 'unknown' };
    }
  }

  #listAvoided(): string[] {
    const now = performance.now();
    for (const [nodeId, since] of this.#silent) if (now - since > AVOIDED_MS) this.#silent.delete(nodeId);
    return [...this.#silent.keys()];
  }

  #hold(sessionId: string, place: Place): Place {
    let isHeld = true;
    return {
      browserRuns: () => place.browserRuns(),
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        place[Symbol.dispose]();
        this.#giveBack(sessionId);
      },
    };
  }

  #giveBack(sessionId: string): void {
    this.#held.delete(sessionId);
    this.#releases.note();
    void this.giveUp(sessionId, this.#deps.nodeId).then(() => {
      this.#freed.resolve();
      this.#freed = Promise.withResolvers();
    });
  }

  #exhausted(rest: string): AppError {
    const longestMs = this.#deps.local.queueTimeoutMs;
    const { intervalMs = longestMs } = this.#releases;
    const waitMs = Math.min(longestMs, intervalMs * (this.#waiting + 1));
    return new AppError('CAPACITY_EXHAUSTED', `All sessions of all nodes are taken, ${rest}`, {
      extensions: { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)) },
    });
  }
}
