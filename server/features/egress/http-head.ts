/** A message that cannot be told from another, or is none: it is never passed on. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

/** One header line: as it stands, and what it means. */
export interface HeaderLine {
  readonly raw: string;
  /** Lower case. */
  readonly name: string;
  readonly value: string;
}

/** How the end of a body is told. */
export type Framing =
  { readonly kind: 'none' | 'chunked' | 'until-close' } | { readonly kind: 'length'; readonly length: number };

/** The head of a request of a browser to its proxy. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly headers: readonly HeaderLine[];
}

/** The head of a response of a site. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
}

/** Bytes of a head at most, as Chromium has it for responses. */
export const MAX_HEAD_BYTES = 256 * 1_024;

const LF = 0x0a;
const CR = 0x0d;

/** Where the empty line of a head ends, or -1. Bare line feeds are lines too: whether they may is seen when it is parsed. */
export function findHeadEnd(bytes: Buffer, from = 0): number {
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return -1;
}

// eslint-disable-next-line no-control-regex -- exactly those are looked for
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^\x00-\x20\x7f]+) HTTP\/(1\.[01])$/;
/** A line that a browser sends: no control characters but the tab. */
// eslint-disable-next-line no-control-regex -- exactly those are looked for
const HEADER_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([^\x00-\x08\x0a-\x1f\x7f]*)$/;

function parseStrictHeader(raw: string): HeaderLine {
  const match = HEADER_LINE.exec(raw);
  if (match === null) throw new MalformedMessage('A header line is malformed');
  return { raw, name: (match[1] ?? '').toLowerCase(), value: (match[2] ?? '').trim() };
}

/** A request of a browser: strict, since two who read it differently can be played against each other. @throws {MalformedMessage} */
export function parseRequestHead(bytes: Buffer): RequestHead {
  const text = bytes.toString('latin1');
  const lines = text.slice(0, -4).split('\r\n');
  const [, method, target, version] = REQUEST_LINE.exec(lines[0] ?? '') ?? [];
  const isComplete = text.endsWith('\r\n\r\n') && method !== undefined && target !== undefined;
  if (!isComplete) throw new MalformedMessage('The request line is malformed');
  return {
    method,
    target,
    version: version === '1.0' ? version : '1.1',
    headers: lines.slice(1).map(parseStrictHeader),
  };
}

/** A response of a site: as lenient as Chromium, which gets it as it is. @throws {MalformedMessage} */
export function parseResponseHead(bytes: Buffer): ResponseHead {
  const lines = bytes.toString('latin1').split(/\r?\n/);
  const status = /^HTTP\/\d+\.\d+ +(\d{3})(?: |$)/i.exec(lines[0] ?? '')?.[1];
  if (status === undefined) throw new MalformedMessage('The answer is no HTTP');
  const headers: HeaderLine[] = [];
  for (const raw of lines.slice(1)) {
    const colon = raw.indexOf(':');
    if (colon <= 0 || /^[\t ]/.test(raw)) continue;
    headers.push({ raw, name: raw.slice(0, colon).trim().toLowerCase(), value: raw.slice(colon + 1).trim() });
  }
  return { status: Number(status), headers };
}

/** All values of a header, those in one line apart. */
function listValues(headers: readonly HeaderLine[], name: string): readonly string[] {
  return headers
    .filter((each) => each.name === name)
    .flatMap(({ value }) => value.split(','))
    .map((value) => value.trim().toLowerCase())
    .filter((value) => value !== '');
}

function toLength(values: readonly string[]): number {
  const [first = '', ...others] = values;
  if (!/^\d{1,15}$/.test(first) || others.some((each) => each !== first)) {
    throw new MalformedMessage('The length of the body is ambiguous');
  }
  return Number(first);
}

/** How the body of a request ends. @throws {MalformedMessage} when that can be read in two ways */
export function frameRequest({ headers, version }: RequestHead): Framing {
  const codings = listValues(headers, 'transfer-encoding');
  const lengths = headers.filter(({ name }) => name === 'content-length').map(({ value }) => value);
  const isCoded = headers.some(({ name }) => name === 'transfer-encoding');
  if (isCoded) {
    if (lengths.length > 0 || version === '1.0' || codings.length !== 1 || codings[0] !== 'chunked') {
      throw new MalformedMessage('The length of the body is ambiguous');
    }
    return { kind: 'chunked' };
  }
  if (lengths.length === 0) return { kind: 'none' };
  if (lengths.length > 1) throw new MalformedMessage('The length of the body is ambiguous');
  return { kind: 'length', length: toLength(lengths) };
}

/** How the body of a response ends. @throws {MalformedMessage} */
export function frameResponse({ status, headers }: ResponseHead, method: string): Framing {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { kind: 'none' };
  const codings = listValues(headers, 'transfer-encoding');
  if (codings.length > 0) return { kind: codings.at(-1) === 'chunked' ? 'chunked' : 'until-close' };
  const lengths = listValues(headers, 'content-length');
  return lengths.length === 0 ? { kind: 'until-close' } : { kind: 'length', length: toLength(lengths) };
}
