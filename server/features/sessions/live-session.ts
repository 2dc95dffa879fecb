import type { CloseReason, SessionState } from '@guise/contract';

import type { Browser } from '../../browser/index.ts';
import { once } from '../../lib/once.ts';

/** Somebody connected to a session's browser, who is told when it ends. */
export interface SessionClient {
  /** Must not throw. */
  close(reason: CloseReason): void;
}

/**
 * What this process holds of a session: its browser, who is connected to it, and when it was last used.
 *
 * The row in the database is the truth about its state; `state` here is the last one this process has seen.
 */
export class LiveSession {
  readonly id: string;
  readonly browser: Browser;
  readonly cdpPort: number;
  readonly createdAt: Date;
  state: SessionState;
  timeoutMs: number;
  maxLifetimeMs: number | null;
  /** Frees everything the session holds; resolves when nothing of it is left. Safe to call twice. */
  readonly release: () => Promise<void>;
  readonly #clients = new Set<SessionClient>();
  #operations = 0;
  #whenUnused: (() => void) | undefined;
  #unusedTimer: NodeJS.Timeout | undefined;
  #lastActivityMs = Date.now();

  constructor(parts: {
    id: string;
    browser: Browser;
    cdpPort: number;
    createdAt: Date;
    timeoutMs: number;
    maxLifetimeMs: number | null;
    owned: AsyncDisposableStack;
  }) {
    this.id = parts.id;
    this.browser = parts.browser;
    this.cdpPort = parts.cdpPort;
    this.createdAt = parts.createdAt;
    this.timeoutMs = parts.timeoutMs;
    this.maxLifetimeMs = parts.maxLifetimeMs;
    this.state = 'ACTIVE';
    this.release = once(() => parts.owned.disposeAsync());
  }

  get lastActivityAt(): Date {
    return new Date(Date.now() - this.idleMs());
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** Notes that the session is being used. Cheap: called for every piece of traffic. */
  touch(): void {
    this.#lastActivityMs = Date.now();
  }

  /** Notes the begin of an operation; until it is disposed the session counts as used. */
  beginOperation(): Disposable {
    this.#operations += 1;
    this.touch();
    return {
      [Symbol.dispose]: () => {
        this.#operations -= 1;
        this.touch();
      },
    };
  }

  /** Milliseconds since the session was last used; 0 while an operation is under way. */
  idleMs(): number {
    return this.#operations > 0 ? 0 : Date.now() - this.#lastActivityMs;
  }

  /** The limit the session has reached by now, if any. */
  reachedLimit(): 'idle_timeout' | 'max_lifetime' | undefined {
    if (this.maxLifetimeMs !== null && Date.now() - this.createdAt.getTime() >= this.maxLifetimeMs)
      return 'max_lifetime';
    return this.idleMs() >= this.timeoutMs ? 'idle_timeout' : undefined;
  }

  /** Adds somebody who drives the browser; returns the function that removes them again. */
  addClient(client: SessionClient): () => void {
    this.#clients.add(client);
    clearTimeout(this.#unusedTimer);
    // A client that drives the browser itself also wants to see its dialogs.
    this.browser.answersDialogs = false;
    this.touch();
    return () => {
      this.#clients.delete(client);
      this.browser.answersDialogs = this.#clients.size === 0;
      this.touch();
      this.#whenUnused?.();
    };
  }

  /** Calls `end` once the session has had no client for `afterMs`, from now on. For sessions made for a connection. */
  endWhenUnused(afterMs: number, end: () => void): void {
    this.#whenUnused = () => {
      clearTimeout(this.#unusedTimer);
      if (this.#clients.size === 0) this.#unusedTimer = setTimeout(end, afterMs).unref();
    };
    this.#whenUnused();
  }

  closeClients(reason: CloseReason): void {
    for (const client of [...this.#clients]) client.close(reason);
  }
}
