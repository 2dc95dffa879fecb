import type { KeyRepository } from './key-repository.ts';

/** A session whose traffic is counted; what it has moved can still be asked for when it has ended. */
export interface MeteredSession {
  readonly id: string;
  readonly ownerKeyId: string | null;
  readonly egress: {
    readonly traffic: { readonly receivedBytes: number; readonly sentBytes: number };
    /** Cuts it off while its owner has used up what they may move. */
    holdToQuota(isSpent: boolean): void;
  };
}

interface RecorderDeps {
  readonly keys: Pick<KeyRepository, 'addTraffic' | 'listSpent'>;
  /** The sessions that are live here now. */
  readonly listLive: () => readonly MeteredSession[];
}

interface Counted {
  readonly session: MeteredSession;
  bytes: number;
}

/** Adds what the sessions of tenants move to what they may move in a month, and cuts off those of tenants who have. */
export class TrafficRecorder {
  readonly #deps: RecorderDeps;
  readonly #counted = new Map<string, Counted>();
  /** Metered, and not written down yet. */
  readonly #unwritten = new Map<string, number>();

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
  }

  /** Counts a session from now on; to be called when it has begun, so that none is too short to be seen. */
  track(session: MeteredSession): void {
    if (session.ownerKeyId === null || this.#counted.has(session.id)) return;
    this.#counted.set(session.id, { session, bytes: 0 });
  }

  /** Writes down what was moved since the last call, and who may move no more; to be called every few seconds, and at the end. */
  async store(): Promise<void> {
    const live = this.#deps.listLive();
    live.forEach((session) => this.track(session));
    const ids = new Set(live.map(({ id }) => id));
    for (const [id, counted] of this.#counted) {
      this.#meter(counted);
      if (!ids.has(id)) this.#counted.delete(id);
    }
    const writing = new Map(this.#unwritten);
    this.#unwritten.clear();
    try {
      await this.#deps.keys.addTraffic(writing);
    } catch (error) {
      for (const [owner, bytes] of writing) this.#add(owner, bytes);
      throw error;
    }
    await this.#holdToQuotas();
  }

  /** On all nodes alike: what others have moved is in the same sum. */
  async #holdToQuotas(): Promise<void> {
    const owned = this.#deps.listLive().filter(({ ownerKeyId }) => ownerKeyId !== null);
    const owners = new Set(owned.map(({ ownerKeyId }) => ownerKeyId ?? ''));
    const spent = new Set(await this.#deps.keys.listSpent([...owners]));
    for (const { ownerKeyId, egress } of owned) egress.holdToQuota(spent.has(ownerKeyId ?? ''));
  }

  #meter(counted: Counted): void {
    const { ownerKeyId, egress } = counted.session;
    const bytes = egress.traffic.receivedBytes + egress.traffic.sentBytes;
    // A session that was taken over, or whose browser was started anew, may have begun at nothing again.
    const moved = bytes >= counted.bytes ? bytes - counted.bytes : bytes;
    counted.bytes = bytes;
    if (ownerKeyId !== null && moved > 0) this.#add(ownerKeyId, moved);
  }

  #add(owner: string, bytes: number): void {
    this.#unwritten.set(owner, (this.#unwritten.get(owner) ?? 0) + bytes);
  }
}
