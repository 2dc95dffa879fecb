import { readdir, truncate } from 'node:fs/promises';
import path from 'node:path';

import type { CookieList, Profile, Session, SessionEventList, SessionList } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { expectProblem } from './problem.ts';
import { listBrowsers } from './processes.ts';
import { readProfile, saveProfile } from './profile-api.ts';
import { openDataDir, startServiceOn } from './service.ts';
import { until } from './until.ts';

/** Below `advanced` a session has its profile's state and not its fingerprint, which is all these tests are about. */
const LEVEL = { stealthLevel: 'basic' } as const;
const SETTINGS = { WARM_POOL_SIZE: '0' };
const OWN = { tags: 'own-process' };

const WRITE = `(async () => {
  document.cookie = 'lasting=1; max-age=86400';
  document.cookie = 'passing=2';
  localStorage.setItem('kept', 'yes');
})()`;
const READ = `[document.cookie.split('; ').sort().join(), localStorage.getItem('kept')].join(' ')`;
const KEPT = 'lasting=1,passing=2 yes';

const stack = new AsyncDisposableStack();
let pages: PageServer;
let dataDir: string;

beforeAll(async () => {
  pages = await startPageServer(stack);
  pages.on('/plain', '<title>Plain</title>');
  dataDir = await openDataDir(stack);
});
afterAll(() => stack.disposeAsync());

const wear = (api: Api, profileId: string, options: object = {}): Promise<Session> =>
  api.create({ ...LEVEL, profileId, persist: true, ...options });
const eventsOf = async (api: Api, id: string): Promise<SessionEventList['events']> =>
  expectStatus<SessionEventList>(await api.call('GET', `/api/sessions/${id}/events`), 200).events;

async function visit(api: Api, id: string, code: string): Promise<unknown> {
  await api.navigate(id, `${pages.origin}/plain`);
  return api.evaluate(id, code);
}

describe('a profile that sessions wear', () => {
  it('keeps what sites store, from session to session and over a restart of the service', OWN, async () => {
    let id: string;
    {
      await using service = await startServiceOn(dataDir, SETTINGS);
      const { api } = service;
      ({ id } = await saveProfile(api));
      const first = await wear(api, id);
      expect(first).toMatchObject({ profileId: id, persist: true });
      await visit(api, first.id, WRITE);
      await api.end(first.id);

      const saved = await readProfile(api, id);
      expect(saved).toMatchObject({ lockedBy: null, useCount: 1, state: { version: 1, savedBySessionId: first.id } });
      expect((await eventsOf(api, first.id)).map(({ type }) => type)).toContain('profileSaved');

      const second = await wear(api, id);
      expect(await visit(api, second.id, READ)).toBe(KEPT);
      // Saved by the stop of the service, too.
      await api.evaluate(second.id, `localStorage.setItem('kept', 'again')`);
    }
    await using service = await startServiceOn(dataDir, SETTINGS);
    const { api } = service;
    expect(await readProfile(api, id)).toMatchObject({ lockedBy: null, state: { version: 2 } });
    const third = await wear(api, id, { persist: false });
    expect(await visit(api, third.id, READ)).toBe(KEPT.replace('yes', 'again'));
    await api.evaluate(third.id, `localStorage.setItem('kept', 'lost')`);
    await api.end(third.id);
    expect(await readProfile(api, id)).toMatchObject({ lockedBy: null, state: { version: 2 } });

    const cookies = expectStatus<CookieList>(await api.call('GET', `/api/profiles/${id}/cookies`), 200);
    expect(cookies.cookies.map(({ name }) => name).sort()).toEqual(['lasting', 'passing']);
    const domain = new URL(pages.origin).hostname;
    const put = { cookies: [{ name: 'put', value: '3', domain }] };
    expectStatus(await api.call('PUT', `/api/profiles/${id}/cookies`, put), 200);
    const fourth = await wear(api, id);
    expect(await visit(api, fourth.id, READ)).toBe('put=3 again');
    await api.end(fourth.id);

    expect((await api.call('DELETE', `/api/profiles/${id}`)).status).toBe(204);
    expect(await readdir(path.join(dataDir, 'objects'))).toEqual(['.partial']);
  });

  it('is worn by one session at a time, which others are told, and can be taken over', async () => {
    await using service = await startServiceOn(dataDir, SETTINGS);
    const { api } = service;
    const { id } = await saveProfile(api);
    const racing = await Promise.all(
      [1, 2, 3].map(() => api.call('POST', '/api/sessions', { ...LEVEL, profileId: id, persist: true })),
    );
    const winners = racing.filter(({ status }) => status === 201);
    expect(winners).toHaveLength(1);
    const [session] = winners.map((answer) => answer.json() as Session);
    for (const answer of racing.filter(({ status }) => status !== 201)) {
      expect(expectProblem(answer, 409, 'PROFILE_LOCKED').sessionId).toBe(session?.id);
    }
    expect((await readProfile(api, id)).lockedBy).toBe(session?.id);
    expectProblem(await api.call('DELETE', `/api/profiles/${id}`), 409, 'PROFILE_LOCKED');
    expectProblem(await api.call('PUT', `/api/profiles/${id}/cookies`, { cookies: [] }), 409, 'PROFILE_LOCKED');

    await visit(api, session?.id ?? '', WRITE);
    const heir = await wear(api, id, { takeOver: true });
    expect(await api.get(session?.id ?? '')).toMatchObject({ state: 'CLOSED', closeReason: 'requested' });
    expect(await visit(api, heir.id, READ)).toBe(KEPT);

    const freed = expectStatus<Profile>(await api.call('POST', `/api/profiles/${id}/unlock`), 200);
    expect(freed).toMatchObject({ lockedBy: null, state: { version: 2 } });
    expect(await api.get(heir.id)).toMatchObject({ state: 'CLOSED' });
    expect((await api.call('DELETE', `/api/profiles/${id}`)).status).toBe(204);
  });

  it('is saved at an idle time-out, and after a crash as far as it was written', OWN, async () => {
    await using service = await startServiceOn(dataDir, SETTINGS);
    const { api } = service;
    const { id } = await saveProfile(api);
    const idle = await wear(api, id, { timeoutMs: 3_000 });
    await visit(api, idle.id, WRITE);
    const versionIs = (version: number) => async (): Promise<boolean> => {
      const { lockedBy, state } = await readProfile(api, id);
      return lockedBy === null && state?.version === version;
    };
    await until('the idle session has saved it', versionIs(1), { timeoutMs: 20_000 });

    const crashing = await wear(api, id);
    const [browser] = listBrowsers(dataDir);
    process.kill(browser?.pid ?? 0, 'SIGKILL');
    await until('the crashed session has saved it', versionIs(2), { timeoutMs: 20_000 });
    expect(await api.get(crashing.id)).toMatchObject({ closeReason: 'browser_crashed' });
    const last = await wear(api, id);
    expect(await visit(api, last.id, READ)).toContain('lasting=1');
    await api.end(last.id);
  });

  it('goes on being worn when the service is killed and its session is taken over', OWN, async () => {
    const service = await startServiceOn(dataDir, SETTINGS);
    const { id } = await saveProfile(service.api);
    const session = await wear(service.api, id);
    await visit(service.api, session.id, WRITE);
    await service.end('SIGKILL');

    await using next = await startServiceOn(dataDir, SETTINGS);
    const { api } = next;
    expect(await readProfile(api, id)).toMatchObject({ lockedBy: session.id, state: null });
    await api.end(session.id);
    expect(await readProfile(api, id)).toMatchObject({ lockedBy: null, state: { version: 1 } });
    const later = await wear(api, id);
    expect(await visit(api, later.id, READ)).toBe(KEPT);
    await api.end(later.id);
  });

  it('is free again when the service was killed and its browser is gone', OWN, async () => {
    const service = await startServiceOn(dataDir, SETTINGS);
    const { id } = await saveProfile(service.api);
    await wear(service.api, id);
    await service.end('SIGKILL');

    await using next = await startServiceOn(dataDir, { ...SETTINGS, ORPHANS: 'end' });
    expect(await readProfile(next.api, id)).toMatchObject({ lockedBy: null });
  });

  it('is the same to sites in each session, with what they have stored', async () => {
    await using service = await startServiceOn(dataDir, SETTINGS);
    const { api } = service;
    const answer = await api.call('POST', '/api/profiles', {
      name: 'Mac',
      constraints: { os: 'macos', locale: 'fr-FR' },
    });
    const { id, fingerprint } = expectStatus<Profile>(answer, 201);
    const look = `[navigator.userAgent, navigator.language, navigator.platform, screen.width].join()`;
    const { userAgent, locale, navigatorPlatform, screen } = fingerprint;
    const claimed = [userAgent, locale, navigatorPlatform, screen.width].join(',');

    const first = await api.create({ profileId: id, persist: true });
    expect(first.identity?.fingerprint).toEqual(fingerprint);
    expect(await visit(api, first.id, look)).toBe(claimed);
    await api.evaluate(first.id, WRITE);
    await api.end(first.id);
    const second = await api.create({ profileId: id, headless: false });
    expect(await visit(api, second.id, look)).toBe(claimed);
    expect(await api.evaluate(second.id, READ)).toBe(KEPT);
    await api.end(second.id);
  });

  it('whose state cannot be read is not worn without it, and is free again', OWN, async () => {
    await using service = await startServiceOn(dataDir, SETTINGS);
    const { api } = service;
    const { id } = await saveProfile(api);
    const cookies = [{ name: 'a', value: 'b', domain: 'a.test' }];
    expectStatus(await api.call('PUT', `/api/profiles/${id}/cookies`, { cookies }), 200);
    const folder = path.join(dataDir, 'objects/profiles', id);
    for (const name of await readdir(folder)) await truncate(path.join(folder, name), 100);

    const answer = await api.call('POST', '/api/sessions', { ...LEVEL, profileId: id });
    expectProblem(answer, 422, 'PROFILE_STATE_UNREADABLE');
    expect(await readProfile(api, id)).toMatchObject({ lockedBy: null });
    const { sessions } = expectStatus<SessionList>(await api.call('GET', `/api/sessions?profileId=${id}`), 200);
    expect(sessions).toMatchObject([{ state: 'CLOSED', closeReason: 'start_failed', profileId: id }]);
  });

  it('is asked for in ways that make sense only', async () => {
    await using service = await startServiceOn(dataDir, SETTINGS);
    const { api } = service;
    const { id } = await saveProfile(api);
    const refuse = async (options: object): Promise<string[]> => {
      const answer = await api.call('POST', '/api/sessions', { ...LEVEL, ...options });
      return (expectProblem(answer, 400, 'VALIDATION_FAILED').errors ?? []).map((each) => each.path);
    };
    expect(await refuse({ persist: true })).toEqual(['/persist']);
    expect(await refuse({ takeOver: true })).toEqual(['/takeOver']);
    expect(await refuse({ profileId: id, persistCache: true })).toEqual(['/persistCache']);
    expect(await refuse({ profileId: id, profile: {} })).toEqual(['/profile']);
    const nobody = '00000000-0000-4000-8000-000000000000';
    const answer = await api.call('POST', '/api/sessions', { ...LEVEL, profileId: nobody });
    expectProblem(answer, 404, 'PROFILE_NOT_FOUND');
  });
});
