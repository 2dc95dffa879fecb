import { PROBLEMS, REALTIME_METHODS, type RealtimeMethodName } from '@guise/contract';

import type { Actor } from '../../lib/actor.ts';
import { toFailure } from '../../lib/problem-document.ts';
import type { RealtimeCaller, RealtimeHandlers } from './realtime-methods.ts';

/** Who decides over calls, and notes what became of them. */
export interface CallAccess {
  /** The operation of REST that a method is. */
  operationOf(method: string): string;
  /** @throws {AppError} FORBIDDEN, QUOTA_EXCEEDED */
  allow(actor: Actor, operationId: string): Promise<void>;
  /** @throws {AppError} for what belongs to somebody else */
  checkOwnership(actor: Actor, names: unknown): Promise<void>;
  noteCall(call: NotedCall): void;
}

/** A call that was done or refused, for the audit trail. */
interface NotedCall {
  readonly operationId: string;
  readonly actor: Actor;
  /** As REST would have answered. */
  readonly status: number;
  readonly problemCode: string | null;
  readonly sessionId: string | null;
  readonly fields: readonly string[];
}

type AnyHandler = (params: unknown, caller: RealtimeCaller) => Promise<unknown>;

/** The same methods for those who may call them, and on what is theirs. */
export function guardedHandlers(handlers: RealtimeHandlers, access: CallAccess): RealtimeHandlers {
  const names = Object.keys(REALTIME_METHODS) as RealtimeMethodName[];
  // Each handler is called with what its own schema has let through, as before.
  const guarded = names.map((name) => [name, guard(access.operationOf(name), handlers[name] as AnyHandler, access)]);
  return Object.fromEntries(guarded) as RealtimeHandlers;
}

function guard(operationId: string, handle: AnyHandler, access: CallAccess): AnyHandler {
  return async (params, caller) => {
    const { actor } = caller;
    const { sessionId = null, ...rest } = (params ?? {}) as { readonly sessionId?: string };
    const note = (status: number, problemCode: string | null): void =>
      access.noteCall({ operationId, actor, status, problemCode, sessionId, fields: Object.keys(rest) });
    try {
      await access.allow(actor, operationId);
      await access.checkOwnership(actor, params);
      const result = await handle(params, caller);
      note(200, null);
      return result;
    } catch (error) {
      const { code } = toFailure(error);
      note(PROBLEMS[code].status, code);
      throw error;
    }
  };
}
