import type { Cookie } from '@guise/contract';

const HEADER = '# Netscape HTTP Cookie File';
/** A line of a cookie that scripts cannot read begins so; the format has no field for it. */
const HTTP_ONLY = '#HttpOnly_';
/** The first field names the domain, the last may be empty. */
const LINE = /^([^\t]+)\t(TRUE|FALSE)\t([^\t]*)\t(TRUE|FALSE)\t(-?\d+(?:\.\d+)?)\t([^\t]*)(?:\t(.*))?$/i;

/** A line of a cookie file is none; lines are counted from 1. */
export class CookieFileError extends Error {
  override readonly name = 'CookieFileError';
  readonly line: number;

  constructor(line: number) {
    super(`Line ${line} is no line of a Netscape cookie file: it needs seven fields, separated by tabs`);
    this.line = line;
  }
}

function flag(value: boolean): string {
  return value ? 'TRUE' : 'FALSE';
}

function toLine(cookie: Cookie): string {
  const { domain, path = '/', secure = false, expires = -1, name, value, httpOnly = false } = cookie;
  // Whole seconds; 0 is a cookie that ends with the browser.
  const expiry = expires < 0 ? 0 : Math.ceil(expires);
  const fields = [domain, flag(domain.startsWith('.')), path, flag(secure), String(expiry), name, value];
  return `${httpOnly ? HTTP_ONLY : ''}${fields.join('\t')}`;
}

/** Cookies as a Netscape cookie file, which curl and others read. What the format has no field for (SameSite) is lost. */
export function formatNetscapeCookies(cookies: readonly Cookie[]): string {
  return `${[HEADER, '', ...cookies.map(toLine)].join('\n')}\n`;
}

/** A domain without a dot before it is that host alone, which is also what the second field says. */
function toDomain(domain: string, withSubdomains: boolean): string {
  const host = domain.replace(/^\./, '');
  return withSubdomains ? `.${host}` : host;
}

function parseLine(line: string, number: number): Cookie {
  const isHttpOnly = line.startsWith(HTTP_ONLY);
  const [, domain, subdomains, path, secure, expires, name, value = ''] =
    LINE.exec(isHttpOnly ? line.slice(HTTP_ONLY.length) : line) ?? [];
  if (domain === undefined || name === undefined) throw new CookieFileError(number);
  const isTrue = (text: string | undefined): boolean => text?.toUpperCase() === 'TRUE';
  const expiry = Number(expires);
  return {
    name,
    value,
    domain: toDomain(domain, isTrue(subdomains)),
    path: path === '' || path === undefined ? '/' : path,
    expires: expiry > 0 ? expiry : -1,
    httpOnly: isHttpOnly,
    secure: isTrue(secure),
  };
}

/** The cookies of a Netscape cookie file; comments and empty lines are passed over. @throws {CookieFileError} */
export function parseNetscapeCookies(text: string): Cookie[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '' || (line.startsWith('#') && !line.startsWith(HTTP_ONLY))) return [];
    return [parseLine(line, index + 1)];
  });
}
