import type { Problem } from '@guise/contract';

import { AppError } from '../../lib/app-error.ts';

/** Calls in one batch at most. */
const MAX_BATCH = 100;

/** Error codes of JSON-RPC 2.0, section 5.1; `FAILED` is from the range left to servers. */
export const RPC_CODES = {
  PARSE_ERROR: -32_700,
  INVALID_REQUEST: -32_600,
  METHOD_NOT_FOUND: -32_601,
  INVALID_PARAMS: -32_602,
  INTERNAL_ERROR: -32_603,
  FAILED: -32_000,
} as const;
export type RpcCode = (typeof RPC_CODES)[keyof typeof RPC_CODES];

const NAMES: Readonly<Record<RpcCode, string>> = {
  [RPC_CODES.PARSE_ERROR]: 'Parse error',
  [RPC_CODES.INVALID_REQUEST]: 'Invalid request',
  [RPC_CODES.METHOD_NOT_FOUND]: 'Method not found',
  [RPC_CODES.INVALID_PARAMS]: 'Invalid params',
  [RPC_CODES.INTERNAL_ERROR]: 'Internal error',
  [RPC_CODES.FAILED]: 'Failed',
};

export type RpcId = string | number | null;

/** A request object. Without an `id` it is a notification, which is not answered. */
export interface RpcRequest {
  readonly id: RpcId | undefined;
  readonly method: string;
  readonly params: unknown;
}

/** What stands in place of a request and is none. */
export interface NoRequest {
  /** Of the request it was meant to be, where that can be told. */
  readonly id: RpcId;
  readonly code: RpcCode;
  readonly refusal: AppError;
}

/** One call, or several to be answered together. */
export interface RpcMessage {
  readonly isBatch: boolean;
  readonly calls: readonly (RpcRequest | NoRequest)[];
}

function isId(value: unknown): value is RpcId {
  return value === null || typeof value === 'string' || typeof value === 'number';
}

function notARequest(id: RpcId, detail: string): NoRequest {
  return { id, code: RPC_CODES.INVALID_REQUEST, refusal: new AppError('VALIDATION_FAILED', detail) };
}

/** What is wrong with the members of a request; undefined when nothing is. */
function mistakeOf({ jsonrpc, id, method, params }: Readonly<Record<string, unknown>>): string | undefined {
  if (jsonrpc !== '2.0') return 'jsonrpc must be "2.0"';
  if (typeof method !== 'string') return 'method must be a string';
  if (id !== undefined && !isId(id)) return 'id must be a string, a number or null';
  if (params === null || !['object', 'undefined'].includes(typeof params)) return 'params must be an object';
  return undefined;
}

function toCall(value: unknown): RpcRequest | NoRequest {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return notARequest(null, 'A request is an object');
  }
  const members = value as Readonly<Record<string, unknown>>;
  const { id, method, params = {} } = members;
  const mistake = mistakeOf(members);
  if (mistake !== undefined) return notARequest(isId(id) ? id : null, mistake);
  return { id: id as RpcId | undefined, method: method as string, params };
}

/** What a client has sent, as calls. What is no JSON, and a batch that is none, are one call that is refused. */
export function parseMessage(text: string): RpcMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const refusal = new AppError('MALFORMED_JSON', 'The message is not valid JSON', { cause });
    return { isBatch: false, calls: [{ id: null, code: RPC_CODES.PARSE_ERROR, refusal }] };
  }
  if (!Array.isArray(value)) return { isBatch: false, calls: [toCall(value)] };
  if (value.length === 0 || value.length > MAX_BATCH) {
    const refusal = notARequest(null, `A batch has 1 to ${MAX_BATCH} requests, this one has ${value.length}`);
    return { isBatch: false, calls: [refusal] };
  }
  return { isBatch: true, calls: value.map(toCall) };
}

/** The text of an answer. @throws {RangeError} when it is longer than a text can be */
export function resultText(id: RpcId, result: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

/** The text of a refusal: every one carries its problem document. */
export function errorText(id: RpcId, code: RpcCode, problem: Problem): string {
  const message = code === RPC_CODES.FAILED ? problem.detail : `${NAMES[code]}: ${problem.detail}`;
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data: problem } });
}

/** The text of something the service says by itself. */
export function notificationText(method: string, params: object): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params });
}
