import type { CreateSession } from '@guise/contract';

import { AppError, invalidField } from '../../lib/app-error.ts';
import type { BrowserRequest } from '../pool/index.ts';
import type { ProfileRecord, ProfileWardrobe, WornProfile } from '../profiles/index.ts';
import { type BrowserOptions, type Identities, toBrowserRequest, wearsFingerprint } from './browser-request.ts';
import type { SessionEnder } from './session-ender.ts';
import type { SessionRegistry } from './session-registry.ts';

/** Who takes a profile over may find that a third has been faster; then it ends that one too, but not for ever. */
const TAKE_ATTEMPTS = 3;

/** Saved profiles, as sessions wear them. */
export type Profiles = Pick<ProfileWardrobe, 'get' | 'take' | 'findWorn' | 'freeLocks'>;

/** Options that ask for something of a saved profile, and what they need beside them. */
const NEEDS = [
  ['persist', 'profileId'],
  ['persistCache', 'persist'],
  ['takeOver', 'profileId'],
] as const;

/** Checks what options about profiles say together. @throws {AppError} VALIDATION_FAILED */
export function checkProfileOptions(input: CreateSession): void {
  for (const [option, needed] of NEEDS) {
    if (input[option] === true && !input[needed]) throw invalidField(`/${option}`, `needs ${needed} beside it`);
  }
  if (input.profileId !== undefined && input.profile !== undefined) {
    throw invalidField('/profile', 'cannot be given beside profileId, which says all it could');
  }
}

/** The same browser, launched to be one certain individual. */
export function pinned(request: BrowserRequest): BrowserRequest {
  return { ...request, fit: 'pinned', accepts: () => false };
}

/**
 * The browser of a session that wears a saved profile: launched for it, as only that can find a saved state. Below `advanced` it has
 * the state and not the fingerprint.
 *
 * @throws {AppError} as `toBrowserRequest`
 */
export function toProfileRequest(
  { fingerprint }: Pick<ProfileRecord, 'fingerprint'>,
  options: BrowserOptions,
  identities: Identities,
): BrowserRequest {
  if (!wearsFingerprint(options.stealthLevel)) return pinned(toBrowserRequest(options, identities));
  // Browsers update themselves: whose profile was made for the version before goes on with this one.
  const profile = options.allowIncoherent === true ? fingerprint : identities.updateBrowserVersion(fingerprint);
  return pinned(toBrowserRequest({ ...options, profile }, identities));
}

/**
 * Gives a session a profile to wear; the session that wears it is ended first where `takeOver` asks for that. The caller must
 * dispose it.
 *
 * @throws {AppError} PROFILE_NOT_FOUND, PROFILE_LOCKED
 */
export async function takeProfile(
  { profileId, sessionId, takeOver }: { profileId: string; sessionId: string; takeOver: boolean },
  parts: { readonly profiles: Profiles; readonly ender: SessionEnder; readonly registry: SessionRegistry },
): Promise<WornProfile> {
  const { profiles, ender, registry } = parts;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await profiles.take(profileId, sessionId);
    } catch (error) {
      const holder = error instanceof AppError ? error.extensions.sessionId : undefined;
      if (holder === undefined || !takeOver || attempt === TAKE_ATTEMPTS) throw error;
      await ender.end(holder, 'requested');
      await profiles.freeLocks(registry.ids);
    }
  }
}
