import type { Execute, ExecuteResult } from '@guise/contract';
import type { Protocol } from 'devtools-protocol';

import { AppError, invalidField } from '../lib/app-error.ts';
import type { CdpSession } from './cdp-connection.ts';
import { CdpError } from './cdp-connection.ts';
import { toScriptFailure } from './page-error.ts';
import { scriptKind } from './script-kind.ts';

type RemoteObject = Protocol.Runtime.RemoteObject;
type Evaluation = Protocol.Runtime.EvaluateResponse;

/** What V8 says of a result it cannot make JSON of, and its type: its error code is that of every other refusal. */
const NOT_JSON: Readonly<Record<string, string>> = {
  'Object reference chain is too long': 'object',
  "Object couldn't be returned by value": 'symbol',
};

/** JSON-RPC's internal error: V8's whole answer for a script that was ended, by its own time-out or by us. */
const ENDED = -32_603;
/** V8's answer for a promise that can never settle, because what would have settled it was ended. */
const NEVER_SETTLES = 'Promise was collected';

/** Everything `runScript` needs beside the page. */
export interface ScriptRequest {
  readonly script: Pick<Execute, 'code' | 'function' | 'args'>;
  readonly awaitPromise: boolean;
  readonly returnByValue: boolean;
  readonly timeoutMs: number;
  /** Execution context to run in; undefined: the main world. */
  readonly contextId: number | undefined;
}

/** The arguments as source text. @throws {AppError} VALIDATION_FAILED when they are nested too deeply to be written */
function argumentsText(args: readonly unknown[]): string {
  try {
    return JSON.stringify(JSON.stringify(args));
  } catch (error) {
    if (error instanceof RangeError) throw invalidField('/args', 'are nested too deeply');
    throw error;
  }
}

/** What to evaluate, and whether as the browser's console would. */
function toExpression({ code = '', function: source, args = [] }: ScriptRequest['script']): {
  expression: string;
  replMode: boolean;
} {
  // Parsed in the page, not pasted as source: `{"__proto__": …}` means another thing there.
  if (source !== undefined)
    return { expression: `(${source}\n)(...JSON.parse(${argumentsText(args)}))`, replMode: false };
  const kind = scriptKind(code);
  if (kind === 'function') return { expression: `(async () => {${code}\n})()`, replMode: false };
  return { expression: code, replMode: kind === 'console' };
}

/** Waits for a result that is a promise, and fetches its value: in console mode V8 does neither by itself. */
async function settle(
  session: CdpSession,
  { evaluation, request }: { readonly evaluation: Evaluation; readonly request: ScriptRequest },
  signal: AbortSignal,
): Promise<Evaluation> {
  const { awaitPromise, returnByValue } = request;
  const { objectId, subtype } = evaluation.result;
  if (evaluation.exceptionDetails !== undefined || objectId === undefined) return evaluation;
  if (subtype === 'promise' && awaitPromise) {
    return session.send('Runtime.awaitPromise', { promiseObjectId: objectId, returnByValue }, signal);
  }
  if (!returnByValue) return evaluation;
  const itself = 'function () { return this }';
  return session.send('Runtime.callFunctionOn', { objectId, functionDeclaration: itself, returnByValue }, signal);
}

async function evaluate(session: CdpSession, request: ScriptRequest, signal: AbortSignal): Promise<Evaluation> {
  const { awaitPromise, returnByValue, timeoutMs, contextId } = request;
  const { expression, replMode } = toExpression(request.script);
  const evaluation = await session.send(
    'Runtime.evaluate',
    {
      expression,
      replMode,
      awaitPromise,
      returnByValue: returnByValue && !replMode,
      userGesture: true,
      allowUnsafeEvalBlockedByCSP: true,
      timeout: timeoutMs,
      ...(contextId === undefined ? {} : { contextId }),
    },
    signal,
  );
  return replMode ? settle(session, { evaluation, request }, signal) : evaluation;
}

function notSerializable(what: string, resultType: string): AppError {
  return new AppError(
    'RESULT_NOT_SERIALIZABLE',
    `The script returned ${what}, which JSON cannot carry. Return a string, a number or plain data made from it.`,
    { extensions: { resultType } },
  );
}

function toResult(object: RemoteObject, returnByValue: boolean): Pick<ExecuteResult, 'result' | 'type'> {
  const type = Array.isArray(object.value) ? 'array' : (object.subtype ?? object.type);
  if (!returnByValue) return { result: object.value ?? object.description ?? null, type };
  if (object.unserializableValue !== undefined)
    throw notSerializable(`the ${type} ${object.unserializableValue}`, type);
  if (object.type === 'function' || object.type === 'symbol') throw notSerializable(`a ${type}`, type);
  return { result: object.value ?? null, type };
}

/**
 * Runs a client's script in the page, once.
 *
 * V8 ends one that loops when `timeoutMs` have passed; what it does not see, such as a promise that never settles, is the
 * signal's to end.
 *
 * @throws {AppError} SCRIPT_FAILED, RESULT_NOT_SERIALIZABLE, OPERATION_TIMED_OUT
 */
export async function runScript(
  session: CdpSession,
  request: ScriptRequest,
  signal: AbortSignal,
): Promise<ExecuteResult> {
  const startedAt = performance.now();
  const { returnByValue } = request;
  try {
    const { result, exceptionDetails } = await evaluate(session, request, signal);
    if (exceptionDetails !== undefined) throw await toScriptFailure(session, exceptionDetails);
    const answer = { ...toResult(result, returnByValue), durationMs: elapsedMs(startedAt) };
    if (result.objectId !== undefined) releaseObject(session, result.objectId);
    return answer;
  } catch (error) {
    if (!(error instanceof CdpError)) throw error;
    if (error.code === ENDED || error.message === NEVER_SETTLES) {
      throw new AppError('OPERATION_TIMED_OUT', 'The script was stopped', { cause: error });
    }
    const type = NOT_JSON[error.message];
    if (type !== undefined)
      throw notSerializable(type === 'symbol' ? 'a symbol' : 'an object that refers to itself', type);
    throw error;
  }
}

function elapsedMs(startedAt: number): number {
  return Math.round((performance.now() - startedAt) * 1_000) / 1_000;
}

/** Lets the page forget a value we only described. */
function releaseObject(session: CdpSession, objectId: string): void {
  // The page may be gone, and its objects with it.
  session.send('Runtime.releaseObject', { objectId }).catch(() => undefined);
}
