import type { Session } from '@guise/contract';

import { type Answer, send } from '../acceptance/http-client.ts';
import { KEY_HEADERS } from './node.ts';

const WORKERS = 3;
/** A request that takes longer hangs. Milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;

/** A create that was asked for. */
interface Asked {
  /** The label its session has, and no other. */
  readonly mark: string;
  /** 0 where the connection was broken off before there was an answer. */
  readonly status: number;
  readonly session: Session | undefined;
}

/** Clients that create sessions and end them, one after another, until they are told to stop. */
export interface Load {
  readonly asked: readonly Asked[];
  /** How many have been made so far. */
  made(): number;
  /** Resolves when all have stopped. @throws when a request was not answered in time */
  stop(): Promise<void>;
}

/** Sends a request with the test's key; resolves to undefined where the connection is broken off. @throws when it is not answered in time */
async function ask(url: string, method: string, body?: object): Promise<Answer | undefined> {
  const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const headers = { ...KEY_HEADERS, ...(body && { 'content-type': 'application/json' }) };
  try {
    return await send(url, { method, headers, signal, ...(body && { body: JSON.stringify(body) }) });
  } catch (error) {
    if (signal.aborted) throw new Error(`${method} ${url} hangs`, { cause: error });
    return undefined;
  }
}

/** Starts clients of the service at `url`. The caller must stop them. */
export function startLoad(url: string): Load {
  const asked: Asked[] = [];
  let marks = 0;
  let isStopped = false;
  const work = async (): Promise<void> => {
    while (!isStopped) {
      marks += 1;
      const mark = `mark-${marks}`;
      const answer = await ask(`${url}/api/sessions`, 'POST', { stealthLevel: 'none', metadata: { mark } });
      const session = answer?.status === 201 ? (answer.json() as Session) : undefined;
      asked.push({ mark, status: answer?.status ?? 0, session });
      if (session === undefined) continue;
      await ask(`${url}/api/sessions/${session.id}`, 'GET');
      await ask(`${url}/api/sessions/${session.id}`, 'DELETE');
    }
  };
  const working = Promise.all(Array.from({ length: WORKERS }, work));
  working.catch(() => undefined);
  return {
    asked,
    made: () => asked.filter(({ status }) => status === 201).length,
    async stop() {
      isStopped = true;
      await working;
    },
  };
}
