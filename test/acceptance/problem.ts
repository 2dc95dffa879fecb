import type { Problem } from '@guise/contract';
import { expect } from 'vitest';

import type { Answer } from './http-client.ts';

/** What of an answer a problem document is judged by; an upgrade that was refused has no request id header to compare. */
type Refusal = Pick<Answer, 'status' | 'headers' | 'text'>;

/** Everything RFC 9457 and our contract promise of a refusal, whatever it is about. */
export function readProblem(answer: Refusal): Problem {
  expect(answer.headers['content-type'], answer.text).toMatch(/^application\/problem\+json(;|$)/);
  const problem = JSON.parse(answer.text) as Problem;
  expect(problem, answer.text).toMatchObject({
    type: `/problems/${problem.code.toLowerCase().replaceAll('_', '-')}`,
    title: expect.stringMatching(/./) as string,
    status: answer.status,
    detail: expect.stringMatching(/./) as string,
    instance: expect.stringMatching(/^\//) as string,
    code: expect.stringMatching(/^[A-Z]+(_[A-Z]+)*$/) as string,
    retryable: expect.any(Boolean) as boolean,
    requestId: expect.stringMatching(/./) as string,
  });
  const requestId = answer.headers['x-request-id'];
  if (requestId !== undefined) expect(problem.requestId).toBe(requestId);
  return problem;
}

/** Checks that an answer is this refusal, as a complete problem document, and returns it. */
export function expectProblem(answer: Refusal, status: number, code: string): Problem {
  expect(`${answer.status} ${answer.text}`).toMatch(new RegExp(`^${status} `));
  const problem = readProblem(answer);
  expect(problem.code).toBe(code);
  return problem;
}
