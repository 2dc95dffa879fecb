import { describe, expect, it } from 'vitest';

import { AppError } from '../../lib/app-error.ts';
import { Admission } from './admission.ts';

const NEVER = new AbortController().signal;

async function refusalOf(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

describe('Admission', () => {
  it('refuses when the line is full, and says when to come back', async () => {
    const admission = new Admission({ limit: 1, queueLimit: 1, queueTimeoutMs: 30_000 });
    const held = await admission.acquire(NEVER);
    const waiting = admission.acquire(NEVER);
    const refusal = await refusalOf(admission.acquire(NEVER));
    expect(refusal).toMatchObject({ code: 'CAPACITY_EXHAUSTED', extensions: { retryAfterSeconds: 30 } });
    held[Symbol.dispose]();
    (await waiting)[Symbol.dispose]();
    expect(admission).toMatchObject({ taken: 0, waiting: 0 });
  });

  it('refuses who has waited too long', async () => {
    const admission = new Admission({ limit: 1, queueLimit: 1, queueTimeoutMs: 5 });
    using _held = await admission.acquire(NEVER);
    expect(await refusalOf(admission.acquire(NEVER))).toMatchObject({ code: 'CAPACITY_EXHAUSTED' });
    expect(admission.waiting).toBe(0);
  });

  it('refuses everybody once it is closed, also those in line', async () => {
    const admission = new Admission({ limit: 1, queueLimit: 1, queueTimeoutMs: 30_000 });
    using _held = await admission.acquire(NEVER);
    const waiting = admission.acquire(NEVER);
    admission.close();
    expect(await refusalOf(waiting)).toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(await refusalOf(admission.acquire(NEVER))).toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});
