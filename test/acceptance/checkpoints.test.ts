import { setTimeout as sleep } from 'node:timers/promises';

import type { SessionEventList } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { REMEMBER, REMEMBERED, rememberedAt, REMEMBERING_PAGE } from '../checkpoint-site.ts';
import { expectStatus } from './api.ts';
import { browserPid, connectCdp } from './cdp-client.ts';
import { startPageServer } from './page-server.ts';
import { listBrowsers } from './processes.ts';
import { openDataDir, type Service, startServiceOn } from './service.ts';
import { until } from './until.ts';

const SETTINGS = { WARM_POOL_SIZE: '0', CHECKPOINT_INTERVAL_MS: '1000', EGRESS_ALLOW: '127.0.0.0/8' };
/** Long enough for a checkpoint to begin and end. Milliseconds. */
const TWO_CHECKPOINTS_MS = 5_000;
/** A service that finds its browsers gone says so. */
const EXPECTED_ERRORS = /could not be taken over/;

async function eventsOf({ api }: Service, id: string): Promise<string[]> {
  const answer = await api.call('GET', `/api/sessions/${id}/events`);
  return expectStatus<SessionEventList>(answer, 200).events.map(({ type }) => type);
}

/** Kills a service and all its browsers, as a machine that loses its power does. */
async function loseAll(service: Service, sessions: readonly { readonly cdpUrl: string | null }[]): Promise<void> {
  const pids = await Promise.all(sessions.map(({ cdpUrl }) => browserPid(cdpUrl ?? '')));
  await service.end('SIGKILL');
  for (const pid of pids) process.kill(-pid, 'SIGKILL');
  await until('its browsers are gone', () => listBrowsers(service.dataDir).length === 0);
}

describe('a session with checkpoints', () => {
  it('goes on when the machine was lost: the same id and identity, cookies, storage, pages and scroll positions', async () => {
    await using stack = new AsyncDisposableStack();
    const site = await startPageServer(stack);
    const other = await startPageServer(stack);
    for (const each of [site, other]) each.on('/page', REMEMBERING_PAGE);
    const dataDir = await openDataDir(stack);
    const first = await startServiceOn(dataDir, SETTINGS);
    const made = await first.api.create({
      checkpoint: true,
      profile: { os: 'macos' },
      locale: 'de-DE',
      metadata: { of: 'test' },
    });
    expect(made.checkpoint).toBe(true);
    const plain = await first.api.create({});
    const { id } = made;
    // A site that is left again keeps what it has too.
    await first.api.navigate(id, `${other.origin}/page`);
    await first.api.evaluate(id, REMEMBER);
    await sleep(TWO_CHECKPOINTS_MS);
    await first.api.navigate(id, `${site.origin}/page`);
    await first.api.evaluate(id, REMEMBER);
    await sleep(TWO_CHECKPOINTS_MS);
    await loseAll(first, [made, plain]);

    await using second = await startServiceOn(dataDir, SETTINGS, EXPECTED_ERRORS);
    const back = await until('it can be used again', async () => {
      const session = await second.api.get(id);
      return session.state === 'ACTIVE' && session;
    });
    expect(back).toMatchObject({ id, identity: made.identity, metadata: { of: 'test' }, checkpoint: true });
    expect(await second.api.get(plain.id)).toMatchObject({ state: 'CLOSED', closeReason: 'node_lost' });
    const seen = (): Promise<unknown> => second.api.evaluate(id, REMEMBERED);
    await expect.poll(seen, { timeout: 15_000 }).toEqual(rememberedAt(`${site.origin}/page`, made));
    expect(await second.api.evaluate(id, 'navigator.language')).toBe('de-DE');
    await second.api.navigate(id, `${other.origin}/page`);
    expect(await second.api.evaluate(id, 'localStorage.name')).toBe('kept "locally" ✓');
    expect(await eventsOf(second, id)).toEqual(expect.arrayContaining(['handedOver', 'restored']));
    using client = await connectCdp(back.cdpUrl ?? '');
    expect(await client.send('Browser.getVersion')).toHaveProperty('product');
    await second.api.end(id);
  });

  it('is lost as others are when it has ended, and leaves no checkpoint', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const first = await startServiceOn(dataDir, SETTINGS);
    const { id } = await first.api.create({ checkpoint: true, startUrl: 'about:blank' });
    await first.api.end(id);
    await first.end('SIGKILL');
    await using second = await startServiceOn(dataDir, SETTINGS);
    expect(await second.api.get(id)).toMatchObject({ state: 'CLOSED', closeReason: 'requested' });
    expect(listBrowsers(dataDir)).toEqual([]);
  });

  it('can be ended while it is started anew', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const first = await startServiceOn(dataDir, SETTINGS);
    const made = await first.api.create({ checkpoint: true });
    await loseAll(first, [made]);
    await using second = await startServiceOn(dataDir, SETTINGS, EXPECTED_ERRORS);
    expect(await second.api.end(made.id)).toMatchObject({ state: 'CLOSED', closeReason: 'requested' });
    expect(listBrowsers(dataDir)).toEqual([]);
  });
});
