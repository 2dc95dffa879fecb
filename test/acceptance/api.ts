import type { CreateSession, ExecuteResult, NavigateResult, Session, Status } from '@guise/contract';

import { type Answer, send } from './http-client.ts';

/** The service's REST API as a program uses it. */
export interface Api {
  /** Sends a request; an object as body goes out as JSON. The answer may be a refusal. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Creates a session. @throws when it is refused */
  create(options?: CreateSession): Promise<Session>;
  /** Reads a session. @throws when it is refused */
  get(id: string): Promise<Session>;
  /** Ends a session. @throws when it is refused */
  end(id: string): Promise<Session>;
  /** Runs a script in the session's page and gives its result. @throws when it is refused */
  evaluate(id: string, code: string): Promise<unknown>;
  /** Sends the session's page to an address. @throws when it is refused */
  navigate(id: string, url: string): Promise<NavigateResult>;
  status(): Promise<Status>;
}

/** The body of an answer that must have this status. @throws with the body when it has another */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller knows what the route answers
export function expectStatus<Body>(answer: Answer, status: number): Body {
  if (answer.status !== status) throw new Error(`${answer.status} in place of ${status}: ${answer.text}`);
  return answer.json() as Body;
}

/** `key`: the secret of an API key to send with each request. */
export function connectApi(address: string, key?: string): Api {
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
    send(`${address}${path}`, {
      method,
      ...(body === undefined
        ? { headers: authorization }
        : {
            body: JSON.stringify(body),
            headers: { ...authorization, 'content-type': 'application/json; charset=utf-8' },
          }),
    });
  const session = (id: string, path = ''): string => `/api/sessions/${id}${path}`;
  return {
    call,
    create: async (options = {}) => expectStatus<Session>(await call('POST', '/api/sessions', options), 201),
    get: async (id) => expectStatus<Session>(await call('GET', session(id)), 200),
    end: async (id) => expectStatus<Session>(await call('DELETE', session(id)), 200),
    evaluate: async (id, code) =>
      expectStatus<ExecuteResult>(await call('POST', session(id, '/execute'), { code }), 200).result,
    navigate: async (id, url) =>
      expectStatus<NavigateResult>(await call('POST', session(id, '/navigate'), { url }), 200),
    status: async () => expectStatus<Status>(await call('GET', '/status'), 200),
  };
}
