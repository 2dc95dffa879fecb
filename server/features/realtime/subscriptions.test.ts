import { describe, expect, it } from 'vitest';

import { Subscriptions } from './subscriptions.ts';

type Deps = ConstructorParameters<typeof Subscriptions>[0];

describe('a subscription to metrics', () => {
  it('is over when its connection ended before the subscription was answered', async () => {
    const gone = new AbortController();
    const feed = { open: () => Promise.resolve({ sessionId: undefined, lastEventId: 0 }) };
    const events = { on: () => () => undefined };
    const subscriptions = new Subscriptions({ feed, events } as unknown as Deps, gone.signal);
    const answered = Promise.withResolvers<void>();
    await subscriptions.add({ topics: ['metrics'] }, answered.promise);
    gone.abort();
    answered.resolve();
    const outcome = await Promise.race([
      subscriptions.settled().then(() => 'settled'),
      new Promise((resolve) => setTimeout(resolve, 1_000, 'still at work')),
    ]);
    expect(outcome).toBe('settled');
  });
});
