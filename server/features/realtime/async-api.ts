import {
  CookieList,
  EncodedFile,
  ExecuteResult,
  NavigateResult,
  PageContent,
  Problem,
  REALTIME_METHODS,
  REALTIME_NOTIFICATIONS,
  RpcError,
  Session,
  SessionEvent,
  SessionEventList,
  SessionList,
} from '@guise/contract';

import { REALTIME_PATH } from './rpc-dispatcher.ts';

/** Schemas that stand once in the document; whatever has one of them refers to it. */
const NAMED: Readonly<Record<string, object>> = {
  CookieList,
  EncodedFile,
  ExecuteResult,
  NavigateResult,
  PageContent,
  Problem,
  RpcError,
  Session,
  SessionEvent,
  SessionEventList,
  SessionList,
};

const RPC_VERSION = { const: '2.0' };
const REQUEST_ID = { type: ['string', 'number', 'null'] };
const WS_BINDING = '0.1.0';

type Entries = [name: string, value: object][];

function ref(...path: string[]): { $ref: string } {
  return { $ref: `#/${path.map((name) => name.replaceAll('/', '~1')).join('/')}` };
}

/** A schema, or a reference to it where it has a name. */
function schemaOf(schema: object): object {
  const name = Object.entries(NAMED).find(([, each]) => each === schema)?.[0];
  return name === undefined ? schema : ref('components', 'schemas', name);
}

/** A JSON-RPC 2.0 object with these members, the optional ones not required. */
function rpcObject(members: Readonly<Record<string, object>>, optional: readonly string[] = []): object {
  const required = Object.keys(members).filter((name) => !optional.includes(name));
  return { type: 'object', required: ['jsonrpc', ...required], properties: { jsonrpc: RPC_VERSION, ...members } };
}

function message(name: string, summary: string, payload: object): object {
  return { name, title: name, summary, contentType: 'application/json', payload };
}

/** Whether a method can be called without params. */
function needsNothing(params: object): boolean {
  return !('required' in params) && !('minProperties' in params);
}

function methodMessages(): Entries {
  const correlationId = ref('components', 'correlationIds', 'requestId');
  return Object.entries(REALTIME_METHODS).flatMap(([name, { summary, params, result }]): Entries => {
    const request = rpcObject(
      { id: REQUEST_ID, method: { const: name }, params: schemaOf(params) },
      needsNothing(params) ? ['id', 'params'] : ['id'],
    );
    const answer = rpcObject({ id: REQUEST_ID, result: schemaOf(result) });
    return [
      [`${name}.request`, { ...message(name, summary, request), correlationId }],
      [`${name}.answer`, { ...message(`${name}.answer`, `The answer to ${name}`, answer), correlationId }],
    ];
  });
}

function realtimeMessages(): Readonly<Record<string, object>> {
  const notifications = Object.entries(REALTIME_NOTIFICATIONS).map(([name, { summary, params }]) => [
    name,
    message(name, summary, rpcObject({ method: { const: name }, params: schemaOf(params) })),
  ]);
  const error = rpcObject({ id: REQUEST_ID, error: schemaOf(RpcError) });
  return Object.fromEntries([
    ...methodMessages(),
    ...(notifications as Entries),
    ['error', message('error', 'The answer to a request that failed; its data is the problem document', error)],
  ]);
}

function realtimeOperations(): Entries {
  const channel = ref('channels', 'realtime');
  const named = (name: string): object => ref('channels', 'realtime', 'messages', name);
  const methods = Object.entries(REALTIME_METHODS).map(([name, { summary }]): [string, object] => [
    name,
    {
      action: 'receive',
      channel,
      summary,
      messages: [named(`${name}.request`)],
      reply: { channel, messages: [named(`${name}.answer`), named('error')] },
    },
  ]);
  const notifications = Object.entries(REALTIME_NOTIFICATIONS).map(([name, { summary }]): [string, object] => [
    name,
    { action: 'send', channel, summary, messages: [named(name)] },
  ]);
  return [...methods, ...notifications];
}

/** What goes over the channels that speak CDP is described where CDP is. */
const CDP_MESSAGE = message('cdp', 'A message of the Chrome DevTools Protocol', {
  type: 'object',
  externalDocs: { url: 'https://chromedevtools.github.io/devtools-protocol/' },
});

function webSocket(query?: object): object {
  return { ws: { method: 'GET', bindingVersion: WS_BINDING, ...(query === undefined ? {} : { query }) } };
}

function channels(connectQuery: object): Readonly<Record<string, object>> {
  const overWebSocket = [ref('servers', 'webSocket')];
  const parameters = { sessionId: { description: 'The `id` of the session.' } };
  const token = { type: 'string', description: 'The token that is part of the cdpUrl of the session.' };
  return {
    realtime: {
      address: REALTIME_PATH,
      title: 'Real-time control',
      description: 'JSON-RPC 2.0: calls, batches and notifications from the client, notifications from the service.',
      servers: overWebSocket,
      messages: realtimeMessages(),
      bindings: webSocket(),
    },
    cdp: {
      address: '/api/sessions/{sessionId}/cdp',
      title: "A session's browser over the Chrome DevTools Protocol",
      servers: overWebSocket,
      parameters,
      messages: { cdp: CDP_MESSAGE },
      bindings: webSocket({ type: 'object', required: ['token'], properties: { token } }),
    },
    connect: {
      address: '/connect',
      title: 'A session made for the connection, over the Chrome DevTools Protocol',
      servers: overWebSocket,
      messages: { cdp: CDP_MESSAGE },
      bindings: webSocket(connectQuery),
    },
    sessionEvents: {
      address: '/api/sessions/{sessionId}/events',
      title: 'The events of a session as server-sent events',
      description: 'A GET with `Accept: text/event-stream`; `Last-Event-ID` resumes.',
      servers: [ref('servers', 'http')],
      parameters,
      messages: { event: message('event', 'Something happened to the session', schemaOf(SessionEvent)) },
    },
  };
}

function otherOperations(): Entries {
  const cdp = (channel: string, action: string, summary: string): object => ({
    action,
    channel: ref('channels', channel),
    summary,
    messages: [ref('channels', channel, 'messages', 'cdp')],
  });
  return [
    ['cdp.command', cdp('cdp', 'receive', 'A command for the browser')],
    ['cdp.message', cdp('cdp', 'send', 'An answer or event of the browser')],
    ['connect.command', cdp('connect', 'receive', 'A command for the browser')],
    ['connect.message', cdp('connect', 'send', 'An answer or event of the browser')],
    [
      'sessionEvents.event',
      {
        action: 'send',
        channel: ref('channels', 'sessionEvents'),
        summary: 'Something happened to the session',
        messages: [ref('channels', 'sessionEvents', 'messages', 'event')],
      },
    ],
  ];
}

/**
 * The AsyncAPI 3.0 document of everything that is no single request and answer, made of the schemas that validate.
 *
 * `connectQuery`: the schema of the address parameters of `/connect`.
 */
export function realtimeDocument({ version, connectQuery }: { version: string; connectQuery: object }): object {
  const host = { default: '127.0.0.1:3000', description: 'Where the service listens.' };
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Guise in real time',
      version,
      description:
        'Control of sessions over JSON-RPC 2.0, and the other addresses that stream. Plain REST is in /openapi.json.',
    },
    defaultContentType: 'application/json',
    servers: {
      webSocket: { host: '{host}', protocol: 'ws', variables: { host } },
      http: { host: '{host}', protocol: 'http', variables: { host } },
    },
    channels: channels(connectQuery),
    operations: Object.fromEntries([...realtimeOperations(), ...otherOperations()]) as Record<string, object>,
    components: {
      correlationIds: { requestId: { location: '$message.payload#/id', description: 'The `id` of the request.' } },
      schemas: NAMED,
    },
  };
}
