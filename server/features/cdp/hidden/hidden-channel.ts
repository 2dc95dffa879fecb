import { maskedTextFrame } from '../client-frame.ts';
import type { Params } from '../command-checks.ts';

/** What the browser answers to a command of ours: a result, or undefined when it refused. */
export type OnAnswer = (result: Params | undefined, error: unknown) => void;

/**
 * Commands of the gateway's own on a client's connection, so that they have a place in the order of the client's.
 *
 * Their ids are negative, which those of clients never are; the answers are not passed on. A client that uses negative ids all
 * the same loses answers to its own commands, and no others.
 */
export class HiddenChannel {
  readonly #write: (frame: Buffer) => void;
  readonly #pending = new Map<number, { readonly sessionId: string; readonly onAnswer: OnAnswer }>();
  #lastId = 0;

  constructor(write: (frame: Buffer) => void) {
    this.#write = write;
  }

  /** Sends a command. `onAnswer` is called once, unless the connection or the CDP session ends first. */
  ask(command: { method: string; params?: Params; sessionId: string }, onAnswer?: OnAnswer): void {
    this.#lastId -= 1;
    const { method, params = {}, sessionId } = command;
    if (onAnswer !== undefined) this.#pending.set(this.#lastId, { sessionId, onAnswer });
    const message = { id: this.#lastId, method, params, ...(sessionId !== '' && { sessionId }) };
    this.#write(maskedTextFrame(Buffer.from(JSON.stringify(message))));
  }

  /** Takes an answer of the browser to a command of ours. */
  settle(message: Params): void {
    const { id, result, error } = message;
    if (typeof id !== 'number') return;
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.onAnswer(error === undefined ? ((result ?? {}) as Params) : undefined, error);
  }

  /** Expects no answers from a CDP session any more. */
  forget(sessionId: string): void {
    for (const [id, pending] of this.#pending) if (pending.sessionId === sessionId) this.#pending.delete(id);
  }
}
