import type { Cookie, CookieInput } from '@guise/contract';

import { AppError, invalidField } from '../../lib/app-error.ts';
import type { ProfileService } from './profile-service.ts';
import { type ProfileStates } from './state/profile-states.ts';
import { noFiles, withoutCookieFiles } from './state/state-archive.ts';
import { STATE_FORMAT, type StateCookie } from './state/state-head.ts';

interface CookieDeps {
  readonly service: ProfileService;
  readonly states: ProfileStates;
}

function toCookie({ name, value, domain, path, expires, httpOnly, secure, sameSite }: StateCookie): Cookie {
  return { name, value, domain, path, expires, httpOnly, secure, ...(sameSite && { sameSite }) } as Cookie;
}

/** The folder of a path, which is where a cookie set by a page is sent (RFC 6265, 5.1.4). */
function defaultPath(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** A cookie as a jar holds it: with its domain, also where it was given by an address. */
function toStateCookie({ url, ...cookie }: CookieInput, index: number): StateCookie {
  const address = url === undefined ? undefined : URL.parse(url);
  const domain = cookie.domain ?? address?.hostname;
  if (domain === undefined) throw invalidField(`/cookies/${index}`, 'needs a domain or a url');
  const path = cookie.path ?? (address ? defaultPath(address.pathname) : '/');
  const secure = cookie.secure ?? address?.protocol === 'https:';
  return { expires: -1, httpOnly: false, ...cookie, domain, path, secure };
}

/**
 * The cookies of the newest saved state; none where nothing was saved yet.
 *
 * @throws {AppError} PROFILE_NOT_FOUND, PROFILE_STATE_UNREADABLE, also where its browser could not be asked for them
 */
export async function readSavedCookies(
  { service, states }: CookieDeps,
  id: string,
  signal: AbortSignal,
): Promise<Cookie[]> {
  const { state } = await service.get(id);
  if (state === null) return [];
  await using saved = await states.open(id, state, signal);
  if (saved.head.cookies !== null) return saved.head.cookies.map(toCookie);
  throw new AppError(
    'PROFILE_STATE_UNREADABLE',
    'The browser that saved this state was gone before it could be asked for its cookies; the next session knows them again',
  );
}

/**
 * Replaces the cookies of the saved state, as a new version; the next session with the profile has them.
 *
 * @throws {AppError} PROFILE_NOT_FOUND, PROFILE_LOCKED, VALIDATION_FAILED, PROFILE_STATE_UNREADABLE
 */
export async function replaceSavedCookies(
  { service, states }: CookieDeps,
  { id, cookies: given }: { readonly id: string; readonly cookies: readonly CookieInput[] },
  signal: AbortSignal,
): Promise<Cookie[]> {
  const cookies = given.map(toStateCookie);
  const { state } = await service.getFree(id);
  if (state === null) {
    const head = { format: STATE_FORMAT, chromiumVersion: null, cookies } as const;
    await states.save(id, { head, files: noFiles(), writer: null }, signal);
  } else {
    await using saved = await states.open(id, state, signal);
    const head = { ...saved.head, cookies };
    await states.save(id, { head, files: withoutCookieFiles(saved.files), writer: null }, signal);
  }
  return cookies.map(toCookie);
}
