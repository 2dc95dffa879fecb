import type { EncodedFile, RealtimeMethodName, RealtimeParams, RealtimeResult } from '@guise/contract';

import type { Actor } from '../../lib/actor.ts';
import type { PageCommands, SessionCommands } from '../sessions/index.ts';
import type { RpcId } from './json-rpc.ts';
import type { Subscriptions } from './subscriptions.ts';

/** Who calls a method, and what of their connection a method may act on. */
export interface RealtimeCaller {
  /** Where they reach this service, such as `ws://127.0.0.1:3000`. */
  readonly origin: string;
  readonly actor: Actor;
  /** Aborted when the call is cancelled or its connection gone. */
  readonly signal: AbortSignal;
  /** Resolves when the answer to this call is on its way. */
  readonly answered: Promise<void>;
  readonly subscriptions: Pick<Subscriptions, 'add' | 'remove'>;
  /** Breaks off the calls with this id; returns whether there were any. */
  cancel(id: RpcId): boolean;
}

type Handler<Name extends RealtimeMethodName> = (
  params: RealtimeParams<Name>,
  caller: RealtimeCaller,
) => Promise<RealtimeResult<Name>>;

/** What does the work of each method. */
export type RealtimeHandlers = { readonly [Name in RealtimeMethodName]: Handler<Name> };

/** Methods that are about other calls, and must not wait in line behind them. */
export const OUT_OF_TURN: ReadonlySet<string> = new Set<RealtimeMethodName>(['cancel', 'unsubscribe']);

async function encoded(file: Promise<{ readonly mediaType: string; readonly bytes: Buffer }>): Promise<EncodedFile> {
  const { mediaType, bytes } = await file;
  return { mediaType, data: bytes.toString('base64') };
}

/** The methods of the contract, on the same commands that REST is on. */
export function realtimeHandlers({
  sessions,
  pages,
}: {
  readonly sessions: SessionCommands;
  readonly pages: PageCommands;
}): RealtimeHandlers {
  return {
    'session.create': (params, caller) => sessions.create(params, caller),
    'session.get': (params, caller) => sessions.get(params, caller),
    'session.list': (params, caller) => sessions.list(params, caller),
    'session.update': (params, caller) => sessions.update(params, caller),
    'session.end': (params, caller) => sessions.end(params, caller),
    'session.keepAlive': (params, caller) => sessions.keepAlive(params, caller),
    'session.execute': (params, { signal }) => pages.execute(params, signal),
    'session.navigate': (params, { signal }) => pages.navigate(params, signal),
    'session.screenshot': (params, { signal }) => encoded(pages.screenshot(params, signal)),
    'session.pdf': (params, { signal }) => encoded(pages.pdf(params, signal)),
    'session.input': (params, { signal }) => pages.input(params, signal),
    'session.content': (params, { signal }) => pages.content(params, signal),
    'session.getCookies': (params) => pages.getCookies(params),
    'session.setCookies': (params) => pages.setCookies(params),
    'session.events': (params) => sessions.listEvents(params),
    subscribe: (params, { subscriptions, answered }) => subscriptions.add(params, answered),
    unsubscribe: async ({ subscriptionId }, { subscriptions }) => ({
      wasSubscribed: subscriptions.remove(subscriptionId),
    }),
    cancel: async ({ requestId }, caller) => ({ wasUnderWay: caller.cancel(requestId) }),
  };
}
