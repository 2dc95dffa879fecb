import type { Cookie, CookieInput } from '@guise/contract';
import type { Protocol } from 'devtools-protocol';

import { AppError } from '../lib/app-error.ts';
import type { CdpSession } from './cdp-connection.ts';
import { CdpError } from './cdp-connection.ts';

/** Chromium's way to say that a cookie ends with the browser. */
const SESSION_COOKIE_EXPIRY = -1;

function toCookie(cookie: Protocol.Network.Cookie): Cookie {
  const { name, value, domain, path, expires, httpOnly, secure, sameSite } = cookie;
  return { name, value, domain, path, expires, httpOnly, secure, ...(sameSite === undefined ? {} : { sameSite }) };
}

function toCookieParam(cookie: CookieInput): Protocol.Network.CookieParam {
  const { expires = SESSION_COOKIE_EXPIRY, ...rest } = cookie;
  return expires === SESSION_COOKIE_EXPIRY ? rest : { ...rest, expires };
}

/** A cookie with all that the browser knows of it, so that it can be put into another browser as it was. */
export type JarCookie = Cookie &
  Partial<Pick<Protocol.Network.Cookie, 'priority' | 'sourceScheme' | 'sourcePort' | 'partitionKey'>>;

function toJarCookie(cookie: Protocol.Network.Cookie): JarCookie {
  const { priority, sourceScheme, sourcePort, partitionKey } = cookie;
  return { ...toCookie(cookie), priority, sourceScheme, sourcePort, ...(partitionKey && { partitionKey }) };
}

/** All cookies of the browser's default context, those of partitions nobody can name left out: they cannot be set again. */
export async function readJar(browser: CdpSession, signal: AbortSignal): Promise<JarCookie[]> {
  const { cookies } = await browser.send('Storage.getCookies', {}, signal);
  return cookies.filter(({ partitionKeyOpaque }) => partitionKeyOpaque !== true).map(toJarCookie);
}

/** Adds cookies, or replaces those of the same names; one the browser refuses is left out. Returns how many were. */
export async function addCookies(
  browser: CdpSession,
  cookies: readonly JarCookie[],
  signal: AbortSignal,
): Promise<number> {
  if (cookies.length === 0) return 0;
  const params = cookies.map(toCookieParam);
  try {
    await browser.send('Storage.setCookies', { cookies: params }, signal);
    return 0;
  } catch (error) {
    if (!(error instanceof CdpError)) throw error;
  }
  // One of them is wrong, and then none was set.
  let refused = 0;
  for (const cookie of params) {
    await browser.send('Storage.setCookies', { cookies: [cookie] }, signal).catch((error: unknown) => {
      if (!(error instanceof CdpError)) throw error;
      refused += 1;
    });
  }
  return refused;
}

/** All cookies of the browser's default context. */
export async function readCookies(browser: CdpSession): Promise<Cookie[]> {
  const { cookies } = await browser.send('Storage.getCookies', {});
  return cookies.map(toCookie);
}

/**
 * Replaces the whole jar. When the browser refuses a cookie, the old jar is put back.
 *
 * @throws {AppError} VALIDATION_FAILED
 */
export async function replaceCookies(browser: CdpSession, cookies: readonly CookieInput[]): Promise<void> {
  const before = await readCookies(browser);
  await browser.send('Storage.clearCookies', {});
  try {
    await browser.send('Storage.setCookies', { cookies: cookies.map(toCookieParam) });
  } catch (error) {
    await browser.send('Storage.clearCookies', {});
    await browser.send('Storage.setCookies', { cookies: before.map(toCookieParam) });
    if (!(error instanceof CdpError)) throw error;
    const message = `the browser refuses one of them: ${error.message}`;
    throw new AppError('VALIDATION_FAILED', `/cookies: ${message}`, {
      cause: error,
      extensions: { errors: [{ path: '/cookies', message }] },
    });
  }
}
