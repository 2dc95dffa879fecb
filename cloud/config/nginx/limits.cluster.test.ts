import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type Answer, type RequestOptions, send } from '../../../test/acceptance/http-client.ts';
import { Backend } from '../../testing/backend.ts';
import { expectGatewayProblem } from '../../testing/gateway-problem.ts';
import { type Gateway, openGateway } from '../../testing/gateway.ts';

let stack: AsyncDisposableStack;
let node: Backend;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  node = await Backend.start(stack);
});
afterEach(() => stack.disposeAsync());

const open = (settings: Record<string, string> = {}): Promise<Gateway> =>
  openGateway(stack, { nodes: [node.port], settings });

/** What became of requests that were sent at once. */
interface Burst {
  readonly served: number;
  readonly refused: readonly Answer[];
  /** From before the first was sent until the last was answered. */
  readonly seconds: number;
}

async function burst(
  count: number,
  url: string,
  options: (index: number) => RequestOptions = () => ({}),
): Promise<Burst> {
  const startedAt = performance.now();
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => send(url, options(index))));
  const seconds = (performance.now() - startedAt) / 1_000;
  const refused = answers.filter(({ status }) => status !== 200);
  return { served: count - refused.length, refused, seconds };
}

/** Checks that a burst was served as a rate allows: the first and so many more, and what the rate gave back meanwhile. */
function expectLimited({ served, refused, seconds }: Burst, rate: number, more: number): void {
  expect(served).toBeGreaterThanOrEqual(1 + more);
  expect(served).toBeLessThanOrEqual(1 + more + Math.ceil(rate * seconds));
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) {
    expectGatewayProblem(answer, 'TOO_MANY_REQUESTS');
    expect(answer.headers['retry-after']).toBe('1');
  }
}

const withKey = (key: string) => (): RequestOptions => ({ headers: { 'x-api-key': key } });
const post = (): RequestOptions => ({ method: 'POST', headers: { 'x-api-key': 'one' } });

describe('the limits of the gateway', () => {
  it('are 10 requests a second and 20 more at once for the API', async () => {
    const gateway = await open();
    const result = await burst(60, `${gateway.url}/api/profiles`, withKey('one'));
    expectLimited(result, 10, 20);
    expect(node.received).toHaveLength(result.served);
  });

  it('are each caller’s own: one with another key, in whichever header, is served', async () => {
    const gateway = await open();
    const url = `${gateway.url}/api/profiles`;
    expectLimited(await burst(60, url, withKey('one')), 10, 20);
    expect((await burst(10, url, withKey('two'))).refused).toEqual([]);
    expect((await burst(10, url, () => ({ headers: { authorization: 'Bearer three' } }))).refused).toEqual([]);
    const sameKey = await burst(30, url, () => ({ headers: { authorization: 'bearer one' } }));
    expect(sameKey.refused.length).toBeGreaterThan(0);
  });

  it('hold those without a key by their addresses', async () => {
    const gateway = await open({ GATEWAY_TRUSTED_PROXIES: '127.0.0.1' });
    const from = (address: string) => (): RequestOptions => ({ headers: { 'x-forwarded-for': address } });
    expectLimited(await burst(60, `${gateway.url}/api/profiles`, from('192.0.2.1')), 10, 20);
    expect((await burst(10, `${gateway.url}/api/profiles`, from('192.0.2.2'))).refused).toEqual([]);
  });

  it.each(['/api/sessions', '/api/sessions/create', '/api/sessions/create/', '/api//sessions', '/api/session%73'])(
    'are 2 a second and 5 more at once for sessions created by POST %s',
    async (address) => {
      const gateway = await open();
      const result = await burst(15, `${gateway.url}${address}`, post);
      expectLimited(result, 2, 5);
      expect(result.refused[0]?.text).toContain('Sessions are being created faster');
    },
  );

  it('count sessions created on connect with those created by POST', async () => {
    const gateway = await open();
    expectLimited(await burst(15, `${gateway.url}/api/sessions`, post), 2, 5);
    const connect = await burst(5, `${gateway.url}/connect?timezone=Asia/Tokyo&apiKey=one`);
    expect(connect.refused.length).toBeGreaterThan(0);
    expect((await burst(5, `${gateway.url}/connect?apiKey=other`)).refused).toEqual([]);
  });

  it('do not take the listing of sessions for their creation', async () => {
    const gateway = await open();
    expect((await burst(15, `${gateway.url}/api/sessions?state=ACTIVE`, withKey('one'))).refused).toEqual([]);
  });

  it('hold an address that makes up a new key for each request', async () => {
    const gateway = await open({ GATEWAY_ADDRESS_RATE: '20', GATEWAY_ADDRESS_BURST: '30' });
    const result = await burst(80, `${gateway.url}/api/profiles`, (index) => withKey(`made up ${index}`)());
    expectLimited(result, 20, 30);
  });

  it('do not hold health checks', async () => {
    const gateway = await open({ GATEWAY_ADDRESS_RATE: '1', GATEWAY_ADDRESS_BURST: '1' });
    for (const address of ['/health', '/health/live', '/health/ready']) {
      expect((await burst(40, `${gateway.url}${address}`)).refused).toEqual([]);
    }
  });

  it('are settings', async () => {
    const gateway = await open({ GATEWAY_API_RATE: '500', GATEWAY_API_BURST: '500', GATEWAY_ADDRESS_BURST: '500' });
    expect((await burst(100, `${gateway.url}/api/profiles`)).refused).toEqual([]);
  });
});
