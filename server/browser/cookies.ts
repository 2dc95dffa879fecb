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
