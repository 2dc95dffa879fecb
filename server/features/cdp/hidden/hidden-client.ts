import { maskedTextFrame, textFrame } from '../client-frame.ts';
import type { Params } from '../command-checks.ts';
import type { CommandGate } from '../command-gate.ts';
import type { CommandJudge, Judgement, StoppedCommand } from '../frame-scanner.ts';
import type { HoldBudget } from '../held-bytes.ts';
import { DriverTraces } from './driver-traces.ts';
import { HiddenChannel } from './hidden-channel.ts';
import { treatmentOf } from './hidden-commands.ts';
import { HiddenSession, type Outcome } from './hidden-session.ts';
import { innerRefusal } from './inner-command.ts';
import { type Fate, MessageSieve } from './message-sieve.ts';
import { mayOpenTab } from './tab-click.ts';

/** A longer message of the page's console does not reach the client. Bytes. */
const LONGEST_CONSOLE_MESSAGE = 1024 ** 2;
/** Error code of Chromium for a session that is not there, and for all that fails. */
const NO_SESSION = { code: -32_001, message: 'Session with given id not found.' };
const FAILED = -32_000;

/** Events the gateway has something to do with. */
const TAKEN = new Set([
  'Console.messageAdded',
  'Fetch.requestPaused',
  'Inspector.targetReloadedAfterCrash',
  'Page.frameAttached',
  'Page.frameDetached',
  'Page.frameNavigated',
  'Target.attachedToTarget',
  'Target.detachedFromTarget',
]);
/** Targets that have no scripts of their own, so nothing to hide. */
const SCRIPTLESS = new Set(['browser', 'tab']);
const NAME_AT = '{"method":"Runtime.bindingCalled","params":{"name":"'.length;

/** A command that overrides something, with its parameters. */
interface Override {
  readonly method: string;
  readonly params: Params;
}

/** What else makes a command worth to be looked at: its parameters, or a click that may open a tab. */
const REMARKABLE = ['uniqueContextId', 'worldName', '"middle"', '"modifiers"'] as const;

interface HiddenClientDeps {
  readonly gate: CommandGate;
  readonly holdBudget: HoldBudget;
  /** What the identity needs on every CDP session of a target. */
  readonly overrides: readonly Override[];
  /** Id of the target the connection itself is a session of; undefined for the browser. */
  readonly rootTargetId: string | undefined;
  /** A page is about to be opened with an address; resolves when it may be. */
  readonly expectPage: () => Promise<void>;
  /** Puts a frame into the stream to the client, or to the browser, between two messages. */
  readonly toClient: (frame: Buffer) => void;
  readonly toBrowser: (frame: Buffer) => void;
  /** Hands bytes of the browser on. */
  readonly pass: (bytes: Buffer) => void;
  /** A command contradicts the identity, and was left out. */
  readonly onIgnored: (method: string) => void;
  /** A CDP session of the client has ended, and may have taken a part of the identity with it. */
  readonly onDetached: () => void;
}

/**
 * A client of a session whose pages must not notice it, between the scanner of what it sends and the stream to it.
 *
 * Commands that matter are held by the scanner and end here; of the browser's messages a sieve takes out those that matter. The
 * first are answered or changed, the second changed, dropped or followed by events of ours, by the `HiddenSession` they belong to.
 * The gateway's own commands go over the same connection. All else passes as the bytes it is.
 *
 * What a client sends may be anything: whatever is not as it should be is sent on as it is, for the browser to refuse.
 */
export class HiddenClient implements CommandJudge {
  readonly #deps: HiddenClientDeps;
  readonly #traces = new DriverTraces();
  readonly #channel: HiddenChannel;
  readonly #sieve: MessageSieve;
  /** By CDP session id, '' for the connection's own. Only those with scripts. */
  readonly #sessions = new Map<string, HiddenSession>();
  readonly #scriptless = new Set<string>();
  /** What is to be sent in place of the command that is being settled. */
  #replacement: Buffer[] | undefined;
  #hasEnded = false;

  constructor(deps: HiddenClientDeps) {
    this.#deps = deps;
    this.#channel = new HiddenChannel((frame) => this.#send(frame));
    this.#sieve = new MessageSieve({
      budget: deps.holdBudget,
      judge: (method, head, length) => this.#judgeEvent(method, head, length),
      pass: deps.pass,
      take: (message) => this.#take(message),
    });
  }

  /** Sets the identity on the connection's own session, where it has a target. */
  start(): void {
    const { rootTargetId } = this.#deps;
    if (rootTargetId === undefined) this.#scriptless.add('');
    else this.#addSession('', 'page', rootTargetId);
  }

  /** Keeps nothing any more. */
  end(): void {
    this.#hasEnded = true;
    this.#sieve.end();
  }

  /** Takes bytes of the browser. @throws {StreamViolation} */
  receive(chunk: Buffer): void {
    this.#sieve.push(chunk);
  }

  count(): void {
    this.#deps.gate.count();
  }

  judge(method: string): Judgement {
    const judgement = this.#deps.gate.judge(method);
    const treatment = treatmentOf(method);
    if (judgement === 'drop' || treatment === undefined) return judgement;
    return treatment.kind === 'handle' ? 'hold' : treatment.kind === 'clean' ? 'read' : 'drop';
  }

  /** The most frequent commands of all run scripts in which there is nothing to change: they need not be parsed. */
  isPlain(message: string | Buffer): boolean {
    return !this.#traces.areIn(message) && !REMARKABLE.some((mark) => message.includes(mark));
  }

  settle(command: StoppedCommand): Buffer | undefined {
    const { gate, onIgnored } = this.#deps;
    const { method, sessionId = '' } = command;
    const treatment = treatmentOf(method);
    if (treatment === undefined || gate.judge(method) === 'drop') return gate.settle(command);
    if (!this.#sessions.has(sessionId) && !this.#scriptless.has(sessionId)) {
      gate.answer(command, { error: NO_SESSION });
      return undefined;
    }
    switch (treatment.kind) {
      case 'ignore':
        gate.answer(command, { result: {} });
        onIgnored(method);
        return undefined;
      case 'refuse':
        gate.refuse(command, treatment.why);
        return undefined;
      case 'handle':
      case 'clean':
        return this.#collect(() => this.#handle(command, this.#sessions.get(sessionId)));
    }
  }

  /** All that is sent while `act` runs, as one piece: it stands where the command stood. */
  #collect(act: () => void): Buffer | undefined {
    const frames: Buffer[] = [];
    this.#replacement = frames;
    try {
      act();
    } finally {
      this.#replacement = undefined;
    }
    return frames.length <= 1 ? frames[0] : Buffer.concat(frames);
  }

  #send(frame: Buffer): void {
    if (this.#replacement === undefined) this.#deps.toBrowser(frame);
    else this.#replacement.push(frame);
  }

  #handle(command: StoppedCommand, session: HiddenSession | undefined): void {
    const { gate } = this.#deps;
    const { method, payload } = command;
    if (payload !== undefined && treatmentOf(method)?.kind === 'clean' && this.isPlain(payload)) {
      this.#send(maskedTextFrame(payload));
      return;
    }
    const message = gate.examine(command);
    if (message === undefined) return;
    const { params = {} } = message;
    if (method === 'Target.createTarget') void this.#openPage(message, params as Params);
    else if (method === 'Target.sendMessageToTarget') this.#sendInner(command, message, params as Params);
    else if (session === undefined) this.#sendMessage(message);
    else this.#handleIn(session, command, message);
  }

  #sendInner(command: StoppedCommand, message: Params, params: Params): void {
    const why = innerRefusal(params);
    if (why === undefined) this.#sendMessage(message);
    else this.#deps.gate.refuse(command, why);
  }

  #handleIn(session: HiddenSession, command: StoppedCommand, message: Params): void {
    const { gate, expectPage } = this.#deps;
    const { method } = command;
    const params = (message['params'] ?? {}) as Params;
    // The click has to go through the page first, which takes longer than this.
    if (method === 'Input.dispatchMouseEvent' && mayOpenTab(params)) void expectPage();
    const respond = (answer: object): void => gate.answer(command, answer);
    this.#conclude(command, message, session.handle(method, params, respond));
  }

  /** Sends a command that opens a page, as soon as its request cannot slip through. Those without an address have none. */
  async #openPage(message: Params, { url }: Params): Promise<void> {
    if (!/^\s*https?:/i.test(String(url))) {
      this.#sendMessage(message);
      return;
    }
    await this.#deps.expectPage();
    if (!this.#hasEnded) this.#sendMessage(message);
  }

  #conclude(command: StoppedCommand, message: Params, outcome: Outcome): void {
    const { gate } = this.#deps;
    if ('send' in outcome) this.#sendMessage({ ...message, params: outcome.send });
    else if ('answer' in outcome) gate.answer(command, { result: outcome.answer });
    else if ('error' in outcome) gate.answer(command, { error: { code: FAILED, message: outcome.error } });
  }

  #sendMessage(message: Params): void {
    this.#send(maskedTextFrame(Buffer.from(JSON.stringify(message))));
  }

  #judgeEvent(method: string, head: Buffer, length: number): Fate {
    if (method === 'Console.messageAdded' && length > LONGEST_CONSOLE_MESSAGE) return 'drop';
    if (TAKEN.has(method)) return 'take';
    if (method === 'Runtime.bindingCalled') this.#renameBinding(head);
    else if (method.startsWith('Page.') && this.#hidesPageEvents) return 'take';
    return 'pass';
  }

  get #hidesPageEvents(): boolean {
    for (const session of this.#sessions.values()) if (session.hidesPageEvents) return true;
    return false;
  }

  /** Gives a binding back the name its client knows: one of the same length, written over the other. */
  #renameBinding(head: Buffer): void {
    for (const { name, alias } of this.#traces.bindingAliases) {
      if (head.toString('latin1', NAME_AT, NAME_AT + alias.length) === alias) head.write(name, NAME_AT, 'latin1');
    }
  }

  #take(bytes: Buffer): void {
    const pass = (): void => this.#deps.toClient(textFrame(Buffer.from(bytes)));
    const message = readMessage(bytes);
    if (message === undefined) {
      pass();
      return;
    }
    const { method, params = {}, sessionId = '' } = message;
    if (typeof method !== 'string') {
      this.#channel.settle(message);
      return;
    }
    const session = this.#sessions.get(String(sessionId));
    if (method === 'Target.attachedToTarget') this.#onAttached(params as Params, pass);
    else if (method === 'Target.detachedFromTarget') this.#onDetached(params as Params, pass);
    else if (session === undefined) pass();
    else session.receive(method, params as Params, pass);
  }

  #onAttached({ sessionId, targetInfo }: Params, pass: () => void): void {
    const { targetId, type } = (targetInfo ?? {}) as Params;
    this.#addSession(String(sessionId), String(type), typeof targetId === 'string' ? targetId : undefined);
    pass();
  }

  #onDetached({ sessionId }: Params, pass: () => void): void {
    const id = String(sessionId);
    this.#channel.forget(id);
    this.#scriptless.delete(id);
    pass();
    if (this.#sessions.delete(id)) this.#deps.onDetached();
  }

  #addSession(sessionId: string, type: string, targetId: string | undefined): void {
    if (SCRIPTLESS.has(type)) {
      this.#scriptless.add(sessionId);
      return;
    }
    // Before any command of the client, which does not know the session yet.
    for (const { method, params } of this.#deps.overrides) this.#channel.ask({ method, params, sessionId });
    const session = new HiddenSession(
      {
        ask: (method, params, onAnswer) => this.#channel.ask({ method, params, sessionId }, onAnswer),
        tell: (method, params) => this.#tell(sessionId, method, params),
        traces: this.#traces,
        onIgnored: this.#deps.onIgnored,
      },
      targetId,
    );
    this.#sessions.set(sessionId, session);
  }

  #tell(sessionId: string, method: string, params: Params): void {
    const message = { method, params, ...(sessionId !== '' && { sessionId }) };
    this.#deps.toClient(textFrame(Buffer.from(JSON.stringify(message))));
  }
}

/** A message of the browser; undefined for what none of its would be. */
function readMessage(bytes: Buffer): Params | undefined {
  try {
    return JSON.parse(bytes.toString()) as Params;
  } catch {
    return undefined;
  }
}
