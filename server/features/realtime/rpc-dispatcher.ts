import { randomUUID } from 'node:crypto';

import { type Problem, type ProblemCode, PROBLEMS, REALTIME_METHODS, type RealtimeMethodName } from '@guise/contract';

import { AppError } from '../../lib/app-error.ts';
import { toFailure, toProblemDocument } from '../../lib/problem-document.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import {
  errorText,
  type NoRequest,
  resultText,
  RPC_CODES,
  type RpcCode,
  type RpcId,
  type RpcRequest,
} from './json-rpc.ts';
import type { RealtimeCaller, RealtimeHandlers } from './realtime-methods.ts';

export const REALTIME_PATH = '/api/ws';
/** Label of calls to methods that do not exist. */
const UNKNOWN_METHOD = 'unknown';

/** A call that has been answered. `outcome` is `ok` or the code of a problem. */
export interface AnsweredCall {
  readonly method: string;
  readonly outcome: 'ok' | ProblemCode;
}

interface RpcDispatcherDeps {
  readonly handlers: RealtimeHandlers;
  /** Makes the check of a schema, which throws {AppError} VALIDATION_FAILED. */
  readonly compileCheck: (schema: object) => (value: unknown) => void;
  readonly logger: Logger;
  readonly onAnswered: (call: AnsweredCall) => void;
}

function isMethod(name: string): name is RealtimeMethodName {
  return Object.hasOwn(REALTIME_METHODS, name);
}

/** Failures that JSON-RPC has codes of its own for. */
const CODES: Partial<Record<ProblemCode, RpcCode>> = {
  VALIDATION_FAILED: RPC_CODES.INVALID_PARAMS,
  ROUTE_NOT_FOUND: RPC_CODES.METHOD_NOT_FOUND,
  INTERNAL: RPC_CODES.INTERNAL_ERROR,
};

/** Checks and runs calls, and words their answers. Knows no connection. */
export class RpcDispatcher {
  readonly #deps: RpcDispatcherDeps;
  readonly #checks: ReadonlyMap<string, (value: unknown) => void>;

  constructor(deps: RpcDispatcherDeps) {
    this.#deps = deps;
    this.#checks = new Map(
      Object.entries(REALTIME_METHODS).map(([name, { params }]) => [name, deps.compileCheck(params)]),
    );
  }

  /** Runs a method. @throws {AppError} ROUTE_NOT_FOUND, VALIDATION_FAILED, and what the method throws */
  async run({ method, params }: RpcRequest, caller: RealtimeCaller): Promise<unknown> {
    if (!isMethod(method)) throw new AppError('ROUTE_NOT_FOUND', 'There is no such method');
    this.#checks.get(method)?.(params);
    // Each handler takes what its own schema has just let through.
    return this.#deps.handlers[method](params as never, caller);
  }

  /** The text of the answer to a call that `work` does, whatever becomes of it; undefined for a notification. */
  async answer({ id, method }: RpcRequest, work: () => Promise<unknown>): Promise<string | undefined> {
    const label = isMethod(method) ? method : UNKNOWN_METHOD;
    try {
      const result = await work();
      const text = id === undefined ? undefined : resultText(id, result);
      this.#deps.onAnswered({ method: label, outcome: 'ok' });
      return text;
    } catch (error) {
      const text = this.#refusalText(error, { id: id ?? null, method: label });
      return id === undefined ? undefined : text;
    }
  }

  /** The text of the answer to what is no request, or to one whose answer cannot be sent. */
  refuse({ id, code, refusal }: NoRequest): string {
    return this.#refusalText(refusal, { id, method: UNKNOWN_METHOD, code });
  }

  /** The document of a failure that is told in another way than by an answer; logged like any other. */
  problemOf(error: unknown, method: string): Problem {
    const requestId = randomUUID();
    const failure = toFailure(error);
    this.#log(error, { requestId, method, code: failure.code });
    return toProblemDocument(failure, { path: REALTIME_PATH, id: requestId });
  }

  #refusalText(error: unknown, { id, method, code }: { id: RpcId; method: string; code?: RpcCode }): string {
    const outcome = toFailure(error).code;
    this.#deps.onAnswered({ method, outcome });
    return errorText(id, code ?? CODES[outcome] ?? RPC_CODES.FAILED, this.problemOf(error, method));
  }

  #log(error: unknown, fields: { requestId: string; method: string; code: ProblemCode }): void {
    const { logger } = this.#deps;
    if (!(error instanceof AppError)) logger.error({ ...fields, err: error }, 'call failed');
    else if (PROBLEMS[fields.code].status >= 500)
      logger.warn({ ...fields, err: error, details: error.details }, 'call failed');
    else logger.info({ ...fields, details: error.details }, 'call refused');
  }
}
