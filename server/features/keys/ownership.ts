import { type Actor, scopeOf } from '../../lib/actor.ts';
import { AppError } from '../../lib/app-error.ts';
import type { Queryable } from '../../platform/postgres/index.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MAX_ENTRIES = 10_000;

/** What belongs to tenants, by the name its id has in addresses: where it is, and how one that is not there is refused. */
const KINDS = {
  sessionId: {
    table: 'sessions',
    noSuch: (id: string) => new AppError('SESSION_NOT_FOUND', `There is no session ${id}`),
  },
  profileId: {
    table: 'profiles',
    noSuch: (id: string) => new AppError('PROFILE_NOT_FOUND', `There is no profile ${id}`),
  },
  proxyId: { table: 'proxies', noSuch: (id: string) => new AppError('PROXY_NOT_FOUND', `There is no proxy ${id}`) },
} as const;

/** See `KINDS`. */
export type OwnedKind = keyof typeof KINDS;

/**
 * Knows to whom things belong.
 *
 * A thing never changes hands, so that whose it is has to be asked once. One that is not there is left to whoever looks for it; one of another
 * tenant is refused in the same words.
 */
export class Ownership {
  readonly #db: Queryable;
  readonly #owners = new Map<string, string | null>();

  constructor(db: Queryable) {
    this.#db = db;
  }

  /**
   * Lets an actor touch what is named by these parameters of an address, or members of a call.
   *
   * @throws {AppError} SESSION_NOT_FOUND, PROFILE_NOT_FOUND, PROXY_NOT_FOUND for what is another tenant's
   */
  async check(actor: Actor, names: unknown): Promise<void> {
    const scope = scopeOf(actor);
    if (scope === undefined || typeof names !== 'object' || names === null) return;
    for (const [kind, { noSuch }] of Object.entries(KINDS)) {
      const id = (names as Readonly<Record<string, unknown>>)[kind];
      if (typeof id !== 'string') continue;
      const owner = await this.#findOwner(kind as OwnedKind, id.toLowerCase());
      if (owner !== undefined && owner !== scope) throw noSuch(id.toLowerCase());
    }
  }

  /** Whether an actor may see what has this id; false also where nothing has. */
  async isVisible(actor: Actor, kind: OwnedKind, id: string): Promise<boolean> {
    const scope = scopeOf(actor);
    const owner = await this.#findOwner(kind, id.toLowerCase());
    return owner !== undefined && (scope === undefined || owner === scope);
  }

  async #findOwner(kind: OwnedKind, id: string): Promise<string | null | undefined> {
    if (!UUID.test(id)) return undefined;
    const name = `${kind} ${id}`;
    const known = this.#owners.get(name);
    if (known !== undefined) return known;
    const [row] = await this.#db.query<{ owner: string | null }>(
      `select owner_key_id as owner from ${KINDS[kind].table} where id = $1`,
      [id],
    );
    if (row === undefined) return undefined;
    const [oldest] = this.#owners.keys();
    if (this.#owners.size >= MAX_ENTRIES && oldest !== undefined) this.#owners.delete(oldest);
    this.#owners.set(name, row.owner);
    return row.owner;
  }
}
