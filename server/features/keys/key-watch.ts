import type { KeyRepository } from './key-repository.ts';

/**
 * Looks after what lasts longer than a request and was begun with a key: connections end when their key does.
 */
export class KeyWatch {
  readonly #keys: Pick<KeyRepository, 'listValid'>;
  readonly #watched = new Map<string, Set<() => void>>();

  constructor(keys: Pick<KeyRepository, 'listValid'>) {
    this.#keys = keys;
  }

  /** Has `onEnd` called, once, when the key is found to be revoked or expired, until this is disposed. It must not throw. */
  watch(keyId: string | null, onEnd: () => void): Disposable {
    if (keyId === null) return { [Symbol.dispose]: () => undefined };
    const listeners = this.#watched.get(keyId) ?? new Set();
    this.#watched.set(keyId, listeners);
    listeners.add(onEnd);
    return {
      [Symbol.dispose]: () => {
        listeners.delete(onEnd);
        if (listeners.size === 0 && this.#watched.get(keyId) === listeners) this.#watched.delete(keyId);
      },
    };
  }

  /** One look at the keys that are in use; to be called every so often. */
  async check(): Promise<void> {
    if (this.#watched.size === 0) return;
    const asked = [...this.#watched.keys()];
    const valid = new Set(await this.#keys.listValid(asked));
    // Nothing was found out of keys that have come meanwhile.
    for (const keyId of asked) {
      if (valid.has(keyId)) continue;
      const listeners = this.#watched.get(keyId) ?? [];
      this.#watched.delete(keyId);
      for (const listener of listeners) listener();
    }
  }
}
