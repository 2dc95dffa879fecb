import { CreateSession } from '@guise/contract';

import { KEY_PARAMETER } from './credentials.ts';
import { compileCheck } from './validation.ts';

/** Longest time a session outlives its last client. Milliseconds. */
const MAX_KEEP_ALIVE_MS = 24 * 60 * 60_000;
const METADATA_PREFIX = 'metadata.';

/** A session that ends with its clients needs nobody to go on with it. */
const PROPERTIES = Object.fromEntries(
  Object.entries(CreateSession.properties).filter(([name]) => name !== 'checkpoint'),
);

/** Schema of the parameters in the address of `/connect`. */
export const ConnectQuery = {
  ...CreateSession,
  properties: {
    ...PROPERTIES,
    keepAliveMs: { type: 'integer', minimum: 0, maximum: MAX_KEEP_ALIVE_MS },
  },
};

const check = compileCheck(ConnectQuery);

/** A parameter as the value it stands for: text where its schema wants text, else what JSON makes of it. */
function toValue(name: string, text: string): unknown {
  const schema = (ConnectQuery.properties as Readonly<Record<string, object>>)[name];
  if (schema === undefined || 'enum' in schema || ('type' in schema && schema.type === 'string')) return text;
  try {
    return JSON.parse(text);
  } catch {
    // The schema says what it should have been.
    return text;
  }
}

/**
 * The create options in the address a client connects to: `?headless=false&viewport={"width":800,"height":600}`, labels as
 * `metadata.NAME=VALUE`.
 *
 * @throws {AppError} VALIDATION_FAILED naming every parameter that is wrong
 */
export function parseConnectQuery(query: URLSearchParams): { options: CreateSession; keepAliveMs: number } {
  const values: Record<string, unknown> = {};
  const metadata: Record<string, string> = {};
  for (const [name, text] of query) {
    if (name === KEY_PARAMETER) continue;
    if (name.startsWith(METADATA_PREFIX)) metadata[name.slice(METADATA_PREFIX.length)] = text;
    else values[name] = toValue(name, text);
  }
  if (Object.keys(metadata).length > 0) values['metadata'] = metadata;
  check(values);
  const { keepAliveMs = 0, ...options } = values as CreateSession & { keepAliveMs?: number };
  return { options, keepAliveMs };
}
