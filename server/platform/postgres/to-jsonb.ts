/** The escapes `jsonb` refuses, or any other two characters of an escape, so that the second of `\\` begins none. */
const ESCAPE = /\\(u(?:0000|d[89a-f][0-9a-f]{2})|.)/g;
const SHORT_ESCAPE_LENGTH = 2;

/**
 * A value as JSON that `jsonb` takes.
 *
 * PostgreSQL refuses NUL and lone surrogates in keys and texts, which JSON itself allows (RFC 8259, section 8.2) and clients send. They become U+FFFD.
 * `JSON.stringify` writes a surrogate as an escape only where it stands alone.
 */
export function toJsonb(value: object): string {
  return JSON.stringify(value).replace(ESCAPE, (escape) => (escape.length > SHORT_ESCAPE_LENGTH ? '\ufffd' : escape));
}
