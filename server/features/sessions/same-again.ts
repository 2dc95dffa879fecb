import type { Identities } from './browser-request.ts';
import type { PlacedSession } from './place-at-exit.ts';
import type { SessionRecord } from './session-record.ts';

/**
 * The create request that makes the same browser again as a session has had: its very fingerprint in place of what it was made from. Where the session
 * leaves is kept apart, and so is what it had open.
 */
export function toSameAgain(
  { headless, stealthLevel, identity }: Pick<SessionRecord, 'headless' | 'stealthLevel' | 'identity'>,
  options: object,
  identities: Pick<Identities, 'updateBrowserVersion'>,
): PlacedSession {
  const asked: PlacedSession = options;
  const isSame = (name: string): boolean => !['startUrl', 'profileId', 'profile', 'takeOver'].includes(name);
  const kept = Object.fromEntries(Object.entries(asked).filter(([name]) => isSame(name)));
  const same: PlacedSession = { ...kept, headless, stealthLevel };
  const fingerprint = identity?.fingerprint ?? undefined;
  if (fingerprint === undefined) return same;
  // Another node may have another version of the browser.
  const profile = asked.allowIncoherent === true ? fingerprint : identities.updateBrowserVersion(fingerprint);
  // It was accepted once.
  return { ...same, profile, allowIncoherent: true };
}
