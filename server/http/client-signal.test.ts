import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

import type { FastifyReply } from 'fastify';
import { describe, expect, it } from 'vitest';

import { clientSignal } from './client-signal.ts';

/** Has a client send a request and leave; gives the response that nobody reads. */
async function leave(onResponse: (response: ServerResponse) => void): Promise<ServerResponse> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  onResponse(response);
  client.destroy();
  await once(response, 'close');
  server.close();
  return response;
}

const signalOf = (raw: ServerResponse): AbortSignal => clientSignal({ raw } as FastifyReply);

describe('the signal of a client', () => {
  it('is aborted when it goes away before it has its answer', async () => {
    let signal: AbortSignal | undefined;
    await leave((response) => (signal = signalOf(response)));
    expect(signal?.aborted).toBe(true);
  });

  it('is aborted from the start where it has gone already', async () => {
    expect(signalOf(await leave(() => undefined)).aborted).toBe(true);
  });

  it('is not aborted when it has its answer', async () => {
    let signal: AbortSignal | undefined;
    await leave((response) => {
      signal = signalOf(response);
      response.end();
    });
    expect(signal?.aborted).toBe(false);
  });
});
