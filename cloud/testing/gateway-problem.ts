import { Problem, type ProblemCode, PROBLEMS, problemType } from '@guise/contract';
import { Value } from 'typebox/value';
import { expect } from 'vitest';

import type { Answer } from '../../test/acceptance/http-client.ts';

/** Checks that an answer of the gateway's own is a problem document like the service's, and returns it. */
export function expectGatewayProblem(answer: Answer, code: ProblemCode): Problem {
  const { status, title, retryable } = PROBLEMS[code];
  expect(`${answer.status} ${answer.text}`).toMatch(new RegExp(`^${status} `));
  expect(answer.headers['content-type']).toBe('application/problem+json');
  const problem = answer.json();
  expect([...Value.Errors(Problem, problem)]).toEqual([]);
  expect(problem).toMatchObject({ code, status, title, retryable, type: problemType(code) });
  const { requestId, retryAfterSeconds } = problem as Problem;
  expect(requestId).toBe(answer.headers['x-request-id']);
  expect(retryAfterSeconds?.toString()).toBe(answer.headers['retry-after']);
  return problem as Problem;
}
