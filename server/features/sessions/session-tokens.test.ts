import { randomBytes, randomUUID } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { SessionTokens } from './session-tokens.ts';

describe('session tokens', () => {
  const tokens = new SessionTokens(randomBytes(32));
  const id = randomUUID();

  it('are good for their own session on every node that has the key', () => {
    const key = randomBytes(32);
    const token = new SessionTokens(key).issue(id, 'drive');
    expect(new SessionTokens(key).verify(id, 'drive', token)).toBe(true);
  });

  it.each([
    ['another session', tokens.issue(randomUUID(), 'drive')],
    ['another key', new SessionTokens(randomBytes(32)).issue(id, 'drive')],
    ['nothing at all', undefined],
    ['an empty text', ''],
    ['a longer text', `${tokens.issue(id, 'drive')}x`],
  ])('are refused when they are of %s', (_what, token) => {
    expect(tokens.verify(id, 'drive', token)).toBe(false);
  });
});
