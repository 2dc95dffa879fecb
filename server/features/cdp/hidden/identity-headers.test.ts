import { expect, it } from 'vitest';

import { PausedRequests, withoutIdentityHeaders } from './identity-headers.ts';

const ENTRIES = [
  { name: 'x-own', value: '1' },
  { name: 'User-Agent', value: 'Nobody' },
];

it('leaves out of extra headers those of the identity, however they are written', () => {
  const headers = { 'USER-AGENT': 'x', 'Accept-Language': 'x', 'sec-ch-ua-full-version-list': 'x', 'X-Own': 'kept' };
  expect(withoutIdentityHeaders(headers)).toEqual({ 'X-Own': 'kept' });
});

it('gives a request that goes on the headers of the identity it had', () => {
  const paused = new PausedRequests();
  paused.note('1', { headers: { 'user-agent': 'Genuine', accept: '*/*' } });
  expect(paused.mend('1', ENTRIES)).toEqual([
    { name: 'x-own', value: '1' },
    { name: 'user-agent', value: 'Genuine' },
  ]);
});

it('lets headers be that say what the request had', () => {
  const paused = new PausedRequests();
  paused.note('1', { headers: { 'user-agent': 'Nobody' } });
  expect(paused.mend('1', ENTRIES)).toBeUndefined();
});

it.each([undefined, null, 'text', [{ name: 'user-agent' }], [null]])(
  'passes on what is no list of headers: %j',
  (given) => {
    const paused = new PausedRequests();
    paused.note('1', { headers: { 'user-agent': 'Genuine' } });
    expect(paused.mend('1', given)).toBeUndefined();
  },
);

it('remembers no more than a number of requests', () => {
  const paused = new PausedRequests();
  for (let id = 0; id < 600; id += 1) paused.note(String(id), { headers: { 'user-agent': 'Genuine' } });
  expect(paused.mend('0', ENTRIES)).toBeUndefined();
  expect(paused.mend('599', ENTRIES)).toBeDefined();
});
