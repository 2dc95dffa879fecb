import { maskedTextFrame, textFrame } from './client-frame.ts';
import type { OwnFolders, Params } from './command-checks.ts';
import { inspectCommand, type Inspected, readCommand, verdictOf } from './command-policy.ts';
import type { CommandJudge, Judgement, StoppedCommand } from './frame-scanner.ts';
import type { CheckName } from './restricted-commands.ts';

/** Error codes of CDP answers, as Chromium has them. */
const REFUSED = -32_000;
const NOT_FOUND = -32_601;

interface CommandGateDeps {
  readonly folders: OwnFolders;
  /** Puts a frame into the stream to the client. */
  readonly answer: (frame: Buffer) => void;
  /** A command was refused, and the client told why. */
  readonly onRefused: (refusal: { readonly method: string; readonly why: string }) => void;
  /** The client wants to close the browser; it has been told that this was done. */
  readonly onLeave: () => void;
  /** A message is whole. */
  readonly onMessage: () => void;
}

/** Decides over the commands of one client, and answers those that do not reach the browser. */
export class CommandGate implements CommandJudge {
  readonly #deps: CommandGateDeps;

  constructor(deps: CommandGateDeps) {
    this.#deps = deps;
  }

  count(): void {
    this.#deps.onMessage();
  }

  judge(method: string): Judgement {
    const { verdict } = verdictOf(method);
    if (verdict === 'allow') return 'pass';
    return verdict === 'inspect' || verdict === 'rewrite' ? 'hold' : 'drop';
  }

  settle(command: StoppedCommand): Buffer | undefined {
    const verdict = verdictOf(command.method);
    switch (verdict.verdict) {
      case 'allow':
        // It would have passed; nothing that was let through comes here.
        return undefined;
      case 'unknown':
        this.answer(command, { error: { code: NOT_FOUND, message: `'${command.method}' wasn't found` } });
        return undefined;
      case 'refuse':
        this.refuse(command, verdict.why);
        return undefined;
      case 'leave':
        this.answer(command, { result: {} });
        this.#deps.onLeave();
        return undefined;
      case 'inspect':
      case 'rewrite': {
        const message = this.examine(command);
        return message && maskedTextFrame(Buffer.from(JSON.stringify(message)));
      }
    }
  }

  /** The message of a command that was held, as it may go on; undefined when it was refused. */
  examine(command: StoppedCommand): Params | undefined {
    const verdict = verdictOf(command.method);
    const looked = this.#look(command, 'check' in verdict ? verdict.check : undefined);
    if ('message' in looked) return looked.message;
    this.refuse(command, looked.refused);
    return undefined;
  }

  #look({ payload }: StoppedCommand, check: CheckName | undefined): Inspected {
    if (payload === undefined) return { refused: 'it is longer than the 32 MiB that are looked at' };
    const text = payload.toString();
    try {
      return check === undefined ? readCommand(text) : inspectCommand(text, check, this.#deps.folders);
    } catch (error) {
      // Nested so deeply that it cannot be written again.
      if (error instanceof RangeError) return { refused: 'it is nested too deeply' };
      throw error;
    }
  }

  /** Answers a command with why it is refused, and has that noted. */
  refuse(command: StoppedCommand, why: string): void {
    const { method } = command;
    this.answer(command, { error: { code: REFUSED, message: `${method} is refused here: ${why}` } });
    this.#deps.onRefused({ method, why });
  }

  /** Answers a command in the browser's place. */
  answer({ id, sessionId }: StoppedCommand, outcome: object): void {
    const answer = {
      ...(isInteger(id) && { id: Number(id) }),
      ...outcome,
      ...(sessionId !== undefined && { sessionId }),
    };
    this.#deps.answer(textFrame(Buffer.from(JSON.stringify(answer))));
  }
}

function isInteger(id: string | undefined): boolean {
  return id !== undefined && /^-?\d{1,15}$/.test(id);
}
