import type { CreateSession, Geolocation } from '@guise/contract';

import { invalidField } from '../../lib/app-error.ts';
import type { ExitPlace } from '../proxies/index.ts';
import { stealthLevelOf, wearsFingerprint } from './browser-request.ts';
import type { SessionEgress } from './session-egress.ts';

/** How far around the place of an exit a device may be. Metres. */
const EXIT_ACCURACY_METERS = 1_000;

/** A create request that says where its browser is, and no more that something else knows. */
export type PlacedSession = Omit<CreateSession, 'geolocation'> & { readonly geolocation?: Geolocation };

const PLACES = ['timezone', 'locale', 'geolocation'] as const;
type Place = (typeof PLACES)[number];

/** Whether a request leaves it to us where its browser seems to be. */
function isAnywhere(input: CreateSession): boolean {
  const { profile, profileId } = input;
  if (profileId !== undefined || !wearsFingerprint(stealthLevelOf(input))) return false;
  if (PLACES.some((place) => input[place] !== undefined)) return false;
  if (profile === undefined) return true;
  return !('schema' in profile) && (profile.locale ?? profile.country ?? profile.timezone) === undefined;
}

function valueAt(place: Place, exit: ExitPlace): string | Geolocation | undefined {
  if (place !== 'geolocation') return exit[place] ?? undefined;
  const { latitude, longitude } = exit;
  if (latitude === null || longitude === null) return undefined;
  return { latitude, longitude, accuracy: EXIT_ACCURACY_METERS };
}

/**
 * Replaces `auto` by what is usual where the session leaves. A request that says nothing of the place, and whose proxy is known to leave
 * somewhere, gets time zone and locale of there.
 *
 * @throws {AppError} VALIDATION_FAILED where nothing is known of that place; PROXY_CHECK_FAILED
 */
export async function placeAtExit(
  input: CreateSession,
  egress: Pick<SessionEgress, 'findExit' | 'knownExit'>,
  signal: AbortSignal,
): Promise<PlacedSession> {
  const asked = PLACES.filter((place) => input[place] === 'auto');
  const { knownExit } = egress;
  if (asked.length === 0) {
    const { timezone = null, locale = null } = knownExit !== undefined && isAnywhere(input) ? knownExit : {};
    const usual = { ...(timezone !== null && { timezone }), ...(locale !== null && { locale }) };
    return { ...input, ...usual } as PlacedSession;
  }
  const exit = await egress.findExit(signal);
  const found = asked.map((place) => {
    const value = valueAt(place, exit);
    if (value === undefined)
      throw invalidField(`/${place}`, `auto: it is not known where ${exit.address ?? 'the proxy'} is`);
    return [place, value] as const;
  });
  return { ...input, ...Object.fromEntries(found) } as PlacedSession;
}
