import type { IncomingMessage } from 'node:http';

import { describe, expect, it } from 'vitest';

import { apiKeyCheck } from './api-keys.ts';

const check = apiKeyCheck('one:admin:first-secret, two:user:second:with:colons');

function outcome(url: string, headers: Record<string, string> = {}): string {
  try {
    check({ url, headers } as unknown as IncomingMessage);
    return 'let in';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a key', () => {
  it('lets in, however it is sent', () => {
    expect(outcome('/api/sessions', { authorization: 'Bearer first-secret' })).toBe('let in');
    expect(outcome('/api/sessions', { 'x-api-key': 'second:with:colons' })).toBe('let in');
    expect(outcome('/connect?apiKey=first-secret', { upgrade: 'websocket' })).toBe('let in');
  });

  it('is asked for where anything can be done', () => {
    for (const url of ['/api', '/api/sessions', '/api/sessions/1/cdp', '/connect', '/connect?headless=true'])
      expect([url, outcome(url), outcome(url, { authorization: 'Bearer first' })]).toEqual([
        url,
        'UNAUTHORIZED',
        'UNAUTHORIZED',
      ]);
    expect(outcome('/api/ws', { upgrade: 'websocket' })).toBe('UNAUTHORIZED');
  });

  it('is not asked for by what has a token of its own, or tells only how the service does', () => {
    expect(outcome('/api/sessions/1/cdp?token=t', { upgrade: 'websocket' })).toBe('let in');
    expect(outcome('/health')).toBe('let in');
    expect(outcome('/metrics')).toBe('let in');
  });
});
