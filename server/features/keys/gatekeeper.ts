import { KEY_ROLES, type KeyRole } from '@guise/contract';

import { type Actor, type ActorClient, KEYLESS, NO_QUOTAS } from '../../lib/actor.ts';
import { AppError } from '../../lib/app-error.ts';
import type { KeyAuthenticator } from './key-authenticator.ts';
import type { KeyWatch } from './key-watch.ts';
import { ruleOf } from './operation-rules.ts';
import type { Ownership } from './ownership.ts';
import type { Quotas } from './quotas.ts';

interface GatekeeperDeps {
  /** Where no key is needed, everybody may do everything. */
  readonly isKeyNeeded: boolean;
  readonly authenticator: Pick<KeyAuthenticator, 'find'>;
  readonly quotas: Pick<Quotas, 'checkRequest'>;
  readonly ownership: Pick<Ownership, 'check'>;
  readonly watch: Pick<KeyWatch, 'watch'>;
  /** Whether an address is one from which status and metrics can be read without a key. */
  readonly isInside: (address: string) => boolean;
}

/** Who has asked, and why they may not; undefined: they may. */
interface Admittance {
  readonly actor: Actor;
  readonly refusal: AppError | undefined;
}

/** Somebody without a key: sees nothing that is anybody's. */
const NOBODY = { ...KEYLESS, role: 'viewer', quotas: NO_QUOTAS } as const;
const UNAUTHORIZED = 'Send a valid API key, as Authorization: Bearer KEY or X-API-Key: KEY';

function rank(role: KeyRole): number {
  return KEY_ROLES.indexOf(role);
}

/** Decides who may do what, the same whichever way they come. */
export class Gatekeeper {
  readonly #deps: GatekeeperDeps;

  constructor(deps: GatekeeperDeps) {
    this.#deps = deps;
  }

  /** Who asks for an operation with this secret; what another node has passed on it has counted. @throws {AppError} DEPENDENCY_UNAVAILABLE */
  async admit(
    operationId: string,
    {
      secret,
      client,
      isPassedOn,
    }: { readonly secret: string | undefined; readonly client: ActorClient; readonly isPassedOn: boolean },
  ): Promise<Admittance> {
    const { isKeyNeeded, isInside, authenticator } = this.#deps;
    if (!isKeyNeeded) return { actor: { ...KEYLESS, client }, refusal: undefined };
    const nobody = { ...NOBODY, client };
    const { access } = ruleOf(operationId);
    if (access === 'anybody') return { actor: nobody, refusal: undefined };
    if (access === 'insider' && secret === undefined && isInside(client.address ?? '')) {
      return { actor: nobody, refusal: undefined };
    }
    const identity = secret === undefined ? undefined : await authenticator.find(secret);
    if (identity === undefined) return { actor: nobody, refusal: new AppError('UNAUTHORIZED', UNAUTHORIZED) };
    const actor = { ...identity, client };
    return { actor, refusal: await this.#findRefusal(actor, operationId, { isCounted: !isPassedOn }) };
  }

  /** Lets somebody who is in already do one thing more. @throws {AppError} FORBIDDEN, QUOTA_EXCEEDED */
  async allow(actor: Actor, operationId: string): Promise<void> {
    const refusal = await this.#findRefusal(actor, operationId, { isCounted: true });
    if (refusal !== undefined) throw refusal;
  }

  /** See `Ownership.check`. */
  async checkOwnership(actor: Actor, names: unknown): Promise<void> {
    // Nobody was let in for what is nobody's.
    if (actor.keyId !== null) await this.#deps.ownership.check(actor, names);
  }

  /** See `KeyWatch.watch`. */
  watch({ keyId }: Actor, onEnd: () => void): Disposable {
    return this.#deps.watch.watch(keyId, onEnd);
  }

  async #findRefusal(
    actor: Actor,
    operationId: string,
    { isCounted }: { readonly isCounted: boolean },
  ): Promise<AppError | undefined> {
    const { access } = ruleOf(operationId);
    const least = access === 'anybody' || access === 'insider' ? 'viewer' : access;
    if (rank(actor.role) < rank(least)) {
      return new AppError('FORBIDDEN', `This takes a key whose role is ${least} or above`);
    }
    if (!isCounted) return undefined;
    try {
      await this.#deps.quotas.checkRequest(actor);
      return undefined;
    } catch (error) {
      if (error instanceof AppError && error.code === 'QUOTA_EXCEEDED') return error;
      throw error;
    }
  }
}
