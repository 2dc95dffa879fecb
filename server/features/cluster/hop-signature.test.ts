import type { IncomingMessage } from 'node:http';

import { describe, expect, it } from 'vitest';

import { HopSignature, withoutHop } from './hop-signature.ts';

const REQUEST = { method: 'GET', path: '/api/sessions/1?full=true' };
const HOP = { from: 'node \u00e4', sessionId: 'abc' };

function received(headers: Record<string, string>, changes: Partial<typeof REQUEST> = {}): IncomingMessage {
  const { method, path: url } = { ...REQUEST, ...changes };
  return { method, url, headers } as unknown as IncomingMessage;
}

describe('what nodes send each other', () => {
  let now = 1_000_000;
  const signature = new HopSignature(Buffer.alloc(32, 1), () => now);

  it('is believed, with what is said beside it', () => {
    expect(signature.verify(received(signature.sign(REQUEST, HOP)))).toEqual(HOP);
    const plain = signature.sign(REQUEST, { from: 'node-a' });
    expect(signature.verify(received(plain))).toEqual({ from: 'node-a', sessionId: undefined });
  });

  it('is not believed where anything of it is another', () => {
    const signed = signature.sign(REQUEST, HOP);
    const others = [
      received(signed, { method: 'DELETE' }),
      received(signed, { path: '/api/sessions/2' }),
      received({ ...signed, 'x-guise-hop-session': 'other' }),
      received({ ...signed, 'x-guise-hop-from': 'node-b' }),
      received({ ...signed, 'x-guise-hop-time': String(now + 1) }),
      received({ ...signed, 'x-guise-hop-signature': '' }),
      received(new HopSignature(Buffer.alloc(32, 2), () => now).sign(REQUEST, HOP)),
      received({}),
    ];
    expect(others.map((each) => signature.verify(each))).toEqual(others.map(() => undefined));
  });

  it('is believed for half a minute, by clocks that differ either way', () => {
    const signed = received(signature.sign(REQUEST, HOP));
    now += 30_000;
    expect(signature.verify(signed)).toEqual(HOP);
    now += 1;
    expect(signature.verify(signed)).toBeUndefined();
    now -= 60_002;
    expect(signature.verify(signed)).toBeUndefined();
  });

  it('is taken out of what a client sends', () => {
    const headers = { ...signature.sign(REQUEST, HOP), host: 'a' };
    expect(withoutHop(headers)).toEqual({ host: 'a' });
  });
});
