import type { Execute, ExecuteResult } from '@guise/contract';
import type { Protocol } from 'devtools-protocol';

import { AppError } from '../lib/app-error.ts';
import { isTimeout } from '../lib/deadline.ts';
import type { CdpSession } from './cdp-connection.ts';
import { CdpError } from './cdp-connection.ts';
import { toScriptFailure } from './page-error.ts';

type RemoteObject = Protocol.Runtime.RemoteObject;
type Evaluation = Protocol.Runtime.EvaluateResponse;

/** The page answers this at once unless a script keeps its thread busy. */
const PROBE_MS = 250;
/** V8 stops a script by itself at the time-out; ours comes a little later, for what V8 does not see. */
const GRACE_MS = 250;

/** Everything `runScript` needs beside the page. */
export interface ScriptRequest {
  readonly script: Pick<Execute, 'code' | 'function' | 'args'>;
  readonly awaitPromise: boolean;
  readonly returnByValue: boolean;
  readonly timeoutMs: number;
  /** Execution context to run in; undefined: the main world. */
  readonly contextId: number | undefined;
}

/** One way to read what the client wrote. */
interface Attempt {
  readonly expression: string;
  /** As in the browser's console: top-level `await`, and names that may be declared again. */
  readonly replMode: boolean;
}

/** The ways to run a script, in the order in which they are tried until one parses. */
function toAttempts({ code = '', function: source, args = [] }: ScriptRequest['script']): Attempt[] {
  if (source !== undefined) {
    // Parsed in the page, not pasted as source: `{"__proto__": …}` means another thing there.
    const call = `(${source}\n)(...JSON.parse(${JSON.stringify(JSON.stringify(args))}))`;
    return [{ expression: call, replMode: false }];
  }
  const asConsole = { expression: code, replMode: true };
  // A top-level `return` only parses inside a function. Anything else would lose its result there.
  const asFunction = { expression: `(async () => {${code}\n})()`, replMode: false };
  const last = /\breturn\b/.test(code) ? [asConsole, asFunction] : [asConsole];
  // `await (x)` would parse as the call of a function of that name.
  if (/\bawait\b/.test(code)) return [{ expression: `(async () => (${code}\n))()`, replMode: false }, ...last];
  // The console's way is not the first: there, a promise that is the result is not waited for.
  return [{ expression: code, replMode: false }, ...last];
}

/** Whether the script did not parse, so that none of it ran: an error of the parser has no frame on its stack. */
function isCompileError({ exceptionDetails }: Evaluation): boolean {
  const thrown = exceptionDetails?.exception;
  return thrown?.className === 'SyntaxError' && !/\n\s+at /.test(thrown.description ?? '');
}

/**
 * Ends whatever script keeps the page busy.
 *
 * `Runtime.terminateExecution` of an idle page would hit the page's own next script, so it is asked first.
 */
async function stopRunawayScript(session: CdpSession): Promise<void> {
  try {
    await session.send('Runtime.evaluate', { expression: '0' }, AbortSignal.timeout(PROBE_MS));
  } catch (error) {
    if (isTimeout(error)) await session.send('Runtime.terminateExecution').catch(() => undefined);
  }
}

/** Evaluates what the client wrote, in the first way that parses. */
async function evaluate(session: CdpSession, request: ScriptRequest, signal: AbortSignal): Promise<Evaluation> {
  const { awaitPromise, returnByValue, timeoutMs, contextId } = request;
  let first: Evaluation | undefined;
  for (const attempt of toAttempts(request.script)) {
    const evaluation = await session.send(
      'Runtime.evaluate',
      {
        ...attempt,
        awaitPromise,
        returnByValue,
        userGesture: true,
        allowUnsafeEvalBlockedByCSP: true,
        timeout: timeoutMs,
        ...(contextId === undefined ? {} : { contextId }),
      },
      signal,
    );
    if (!isCompileError(evaluation)) return evaluation;
    // When nothing parses, the first message is the one about what the client wrote.
    first ??= evaluation;
  }
  if (first === undefined) throw new Error('A script has at least one way to be run');
  return first;
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
 * Runs a client's script in the page.
 *
 * On time-out the script is stopped, not only forgotten: V8 ends one that loops, and a loop started by a timer or a
 * promise is ended afterwards.
 *
 * @throws {AppError} SCRIPT_FAILED, RESULT_NOT_SERIALIZABLE, OPERATION_TIMED_OUT
 */
export async function runScript(
  session: CdpSession,
  request: ScriptRequest,
  signal: AbortSignal,
): Promise<ExecuteResult> {
  const startedAt = performance.now();
  const { timeoutMs } = request;
  const timedOut = (cause: unknown): AppError =>
    new AppError('OPERATION_TIMED_OUT', `The script was stopped after ${timeoutMs} ms`, { cause });
  try {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs + GRACE_MS)]);
    const { result, exceptionDetails } = await evaluate(session, request, deadline);
    if (exceptionDetails !== undefined) throw await toScriptFailure(session, exceptionDetails);
    const answer = { ...toResult(result, request.returnByValue), durationMs: elapsedMs(startedAt) };
    if (result.objectId !== undefined) releaseObject(session, result.objectId);
    return answer;
  } catch (error) {
    if (isTimeout(error)) {
      await stopRunawayScript(session);
      throw timedOut(error);
    }
    if (!(error instanceof CdpError)) throw error;
    // V8 stopped it: the only refusal that takes as long as the time-out.
    if (elapsedMs(startedAt) >= timeoutMs) throw timedOut(error);
    throw notSerializable('a value', 'object');
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
