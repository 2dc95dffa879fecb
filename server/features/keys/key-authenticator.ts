import { isUnavailable } from '../../lib/app-error.ts';
import type { KeyIdentity } from '../../lib/actor.ts';
import { toIdentity } from './key-record.ts';
import type { KeyRepository } from './key-repository.ts';
import { hashSecret } from './key-secret.ts';

/** How long what was found of a secret is believed: a key that is revoked is refused that much later. Milliseconds. */
const BELIEVED_MS = 2_000;
/** How long a good key goes on being good while the database cannot be asked: nobody can revoke it there either. Milliseconds. */
const BELIEVED_IN_NEED_MS = 120_000;
const MAX_ENTRIES = 10_000;
/** Longer ones are no keys and not worth hashing. Characters. */
const MAX_SECRET_LENGTH = 512;

interface Known {
  readonly identity: Promise<KeyIdentity | undefined>;
  readonly since: number;
}

interface AuthenticatorDeps {
  readonly keys: Pick<KeyRepository, 'findValid' | 'recordUses'>;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

/**
 * Tells whose a secret is.
 *
 * Secrets are looked up by their SHA-256: how long that takes says something of a hash nobody can choose, and nothing of a secret. What was
 * found is kept for two seconds, also that there is nothing, so that a client costs one query in that time, however much it asks.
 */
export class KeyAuthenticator {
  readonly #deps: AuthenticatorDeps;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  /** Good ones as they were last found, for when the database is away. */
  readonly #lastGood = new Map<string, { readonly identity: KeyIdentity; readonly at: number }>();
  readonly #uses = new Map<string, Date>();

  constructor(deps: AuthenticatorDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? (() => performance.now());
  }

  /** Whose a secret is; undefined when it is no valid key's. @throws {AppError} DEPENDENCY_UNAVAILABLE */
  async find(secret: string): Promise<KeyIdentity | undefined> {
    if (secret.length > MAX_SECRET_LENGTH) return undefined;
    const hash = hashSecret(secret);
    const name = hash.toString('base64');
    let known = this.#known.get(name);
    if (known === undefined || this.#now() - known.since >= BELIEVED_MS) {
      known = { identity: this.#ask(hash, name), since: this.#now() };
      put(this.#known, name, known);
      known.identity.catch(() => this.#known.delete(name));
    }
    const identity = await known.identity;
    if (identity?.keyId != null) this.#uses.set(identity.keyId, new Date());
    return identity;
  }

  /** Writes down when keys were used last; to be called every so often. */
  async storeUses(): Promise<void> {
    const uses = new Map(this.#uses);
    await this.#deps.keys.recordUses(uses);
    for (const [id, at] of uses) if (this.#uses.get(id) === at) this.#uses.delete(id);
  }

  /** Forgets what it knows: something was changed here. */
  forget(): void {
    this.#known.clear();
    this.#lastGood.clear();
  }

  async #ask(hash: Buffer, name: string): Promise<KeyIdentity | undefined> {
    try {
      const record = await this.#deps.keys.findValid(hash);
      const identity = record && toIdentity(record);
      this.#lastGood.delete(name);
      if (identity !== undefined) put(this.#lastGood, name, { identity, at: this.#now() });
      return identity;
    } catch (error) {
      const good = this.#lastGood.get(name);
      if (isUnavailable(error) && good !== undefined && this.#now() - good.at < BELIEVED_IN_NEED_MS)
        return good.identity;
      throw error;
    }
  }
}

/** Adds an entry behind all others; the first leaves where there are too many. */
function put<Value>(map: Map<string, Value>, name: string, value: Value): void {
  map.delete(name);
  map.set(name, value);
  const [first] = map.keys();
  if (map.size > MAX_ENTRIES && first !== undefined) map.delete(first);
}
