import type { IncomingMessage } from 'node:http';

/** Name of the parameter that may hold a key where a client cannot send headers: WebSocket addresses. */
export const KEY_PARAMETER = 'apiKey';

/** The secret a request brings in its headers: `Authorization: Bearer` goes before `X-API-Key`. */
export function secretOf({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const { authorization = '', 'x-api-key': own } = headers;
  const bearer = /^Bearer +(?<secret>\S+) *$/i.exec(authorization)?.groups?.['secret'];
  return bearer ?? (typeof own === 'string' && own !== '' ? own : undefined);
}

/** The secret of a request to change protocol, which may also stand in its address. */
export function upgradeSecretOf(request: IncomingMessage, { searchParams }: URL): string | undefined {
  const inAddress = searchParams.get(KEY_PARAMETER) ?? '';
  return secretOf(request) ?? (inAddress === '' ? undefined : inAddress);
}
