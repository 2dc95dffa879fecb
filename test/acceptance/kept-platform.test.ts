import type { Session } from '@guise/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { type CdpClient, connectCdp } from './cdp-client.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

/** What the page and a frame of its own site, and one of another in a process of its own, say. */
const READ = `[navigator.platform, frames[0].navigator.platform, await new Promise((resolve) => {
  addEventListener('message', ({ data }) => resolve(data), { once: true });
  frames[1].postMessage('say', '*');
})]`;
const ALL = ['Win32', 'Win32', 'Win32'];
const FRAME = `<script>onmessage = ({ source }) => source.postMessage(navigator.platform, '*')</script>`;

const stack = new AsyncDisposableStack();
let site: PageServer;
let service: Service;
let session: Session;

beforeAll(async () => {
  site = await startPageServer(stack);
  const elsewhere = site.origin.replace('127.0.0.1', 'localhost');
  site.on('/frame', FRAME);
  site.on('/', `<iframe src=/frame></iframe><iframe src=${elsewhere}/frame></iframe>`);
  service = await startService(stack, { WARM_POOL_SIZE: '0' });
  session = await service.api.create({ stealthLevel: 'advanced', profile: { os: 'windows', seed: 3 } });
});
afterAll(() => stack.disposeAsync());

/** Attaches to the page and all that is in it, as drivers do. */
async function attachToAll(client: CdpClient): Promise<string[]> {
  const { targetInfos } = await client.send('Target.getTargets');
  const targets = targetInfos as readonly { targetId: string; type: string }[];
  const documents = targets.filter(({ type }) => type === 'page' || type === 'iframe');
  const attached = documents.map(({ targetId }) => client.send('Target.attachToTarget', { targetId, flatten: true }));
  return (await Promise.all(attached)).map(({ sessionId }) => String(sessionId));
}

const read = (): Promise<unknown> => service.api.evaluate(session.id, READ);

async function expectRestored(): Promise<void> {
  await until('all say what the profile says', async () => JSON.stringify(await read()) === JSON.stringify(ALL));
}

it('keeps navigator.platform in pages and frames after clients have left, and when pages move to other processes', async () => {
  await service.api.navigate(session.id, site.origin);
  expect(await read()).toEqual(ALL);
  const client = await connectCdp(session.cdpUrl ?? '');
  const ids = await attachToAll(client);
  expect(ids.length).toBeGreaterThan(1);
  for (const sessionId of ids) await client.send('Target.detachFromTarget', { sessionId });
  await expectRestored();

  await attachToAll(client);
  client[Symbol.dispose]();
  await until('the client is gone', async () => (await service.api.get(session.id)).clients === 0);
  await expectRestored();

  // Another site is another process.
  await service.api.navigate(session.id, site.origin.replace('127.0.0.1', 'localhost'));
  expect(await service.api.evaluate(session.id, 'navigator.platform')).toBe('Win32');
  await service.api.navigate(session.id, site.origin);
  expect(await read()).toEqual(ALL);
  await service.api.end(session.id);
});
