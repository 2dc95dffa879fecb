import { randomUUID } from 'node:crypto';

import type { BulkResult, CookieList, ImportResult, Profile, ProfileList, ProfileStateList } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { send } from './http-client.ts';
import { expectProblem } from './problem.ts';
import { readProfile, readSampleFingerprint, saveProfile, sendProfileFile } from './profile-api.ts';
import { type Service, startService } from './service.ts';

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;

beforeAll(async () => {
  service = await startService(stack, { WARM_POOL_SIZE: '0' });
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());

const list = async (query: string): Promise<ProfileList> =>
  expectStatus<ProfileList>(await api.call('GET', `/api/profiles?${query}`), 200);
const namesOf = async (query: string): Promise<string[]> => (await list(query)).profiles.map(({ name }) => name);
const bulk = async (body: object): Promise<BulkResult> =>
  expectStatus<BulkResult>(await api.call('POST', '/api/profiles/bulk', body), 200);
const putCookies = (id: string, body: string, type: string): ReturnType<typeof send> =>
  send(`${service.address}/api/profiles/${id}/cookies`, {
    method: 'PUT',
    headers: { ...service.headers, 'content-type': type },
    body,
  });

describe('a profile', () => {
  it('is saved, read, changed and deleted', async () => {
    const fingerprint = await readSampleFingerprint(api, 'macos');
    const body = { name: 'One', notes: 'n', folder: 'f', tags: ['a'], fingerprint, allowIncoherent: true };
    const created = await api.call('POST', '/api/profiles', body);
    const profile = expectStatus<Profile>(created, 201);
    expect(created.headers.location).toBe(`/api/profiles/${profile.id}`);
    const { allowIncoherent: _said, ...saved } = body;
    expect(profile).toMatchObject({ ...saved, state: null, lockedBy: null, useCount: 0, lastUsedAt: null });
    expect(await readProfile(api, profile.id.toUpperCase())).toEqual(profile);

    const changes = { name: 'Two', folder: null, tags: ['b', 'c'] };
    const changed = expectStatus<Profile>(await api.call('PATCH', `/api/profiles/${profile.id}`, changes), 200);
    expect(changed).toMatchObject({ ...changes, notes: 'n', fingerprint });
    expect(Date.parse(changed.updatedAt)).toBeGreaterThan(Date.parse(profile.updatedAt));

    expect((await api.call('DELETE', `/api/profiles/${profile.id}`)).status).toBe(204);
    expectProblem(await api.call('GET', `/api/profiles/${profile.id}`), 404, 'PROFILE_NOT_FOUND');
    expectProblem(await api.call('DELETE', `/api/profiles/${profile.id}`), 404, 'PROFILE_NOT_FOUND');
  });

  it('that is none is refused by the name of each field that is wrong', async () => {
    const fingerprint = { ...(await readSampleFingerprint(api)), os: 'beos', extra: 1 };
    const answer = await api.call('POST', '/api/profiles', { name: '', fingerprint });
    const { errors = [] } = expectProblem(answer, 400, 'VALIDATION_FAILED');
    expect(errors.map(({ path }) => path).sort()).toEqual(['/fingerprint/extra', '/fingerprint/os', '/name']);
    expectProblem(await api.call('GET', '/api/profiles/not-an-id'), 404, 'PROFILE_NOT_FOUND');
    expectProblem(await api.call('PATCH', `/api/profiles/${randomUUID()}`, { name: 'x' }), 404, 'PROFILE_NOT_FOUND');
    const proxyless = await api.call('POST', '/api/profiles', {
      name: 'x',
      fingerprint: await readSampleFingerprint(api),
      allowIncoherent: true,
      defaultProxyId: randomUUID(),
    });
    expectProblem(proxyless, 400, 'VALIDATION_FAILED');
  });

  it('is found by tag, system, language, name and folder, page by page', async () => {
    const fingerprint = await readSampleFingerprint(api, 'android');
    for (const name of ['Page 1', 'Page 2', 'page 3', 'Page 4', 'Other']) {
      await saveProfile(api, { name, fingerprint, folder: 'paged', tags: ['paged'] });
    }
    expect(await namesOf('folder=paged')).toEqual(['Other', 'Page 4', 'page 3', 'Page 2', 'Page 1']);
    expect(await namesOf('tag=paged&name=PAGE')).toEqual(['Page 4', 'page 3', 'Page 2', 'Page 1']);
    expect(await namesOf('tag=paged&os=windows')).toEqual([]);
    expect(await namesOf(`tag=paged&os=android&locale=${fingerprint.locale}&name=oth`)).toEqual(['Other']);

    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const page = await list(`folder=paged&limit=2${cursor}`);
      seen.push(...page.profiles.map(({ name }) => name));
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(seen).toEqual(await namesOf('folder=paged'));
    expectProblem(await api.call('GET', '/api/profiles?cursor=nonsense'), 400, 'VALIDATION_FAILED');
  });

  it('is duplicated', async () => {
    const { id, fingerprint } = await saveProfile(api, { name: 'Original', tags: ['t'], notes: 'n' });
    const answer = await api.call('POST', `/api/profiles/${id}/duplicate`);
    const copy = expectStatus<Profile>(answer, 201);
    expect(copy).toMatchObject({ name: 'Original (copy)', tags: ['t'], notes: 'n', fingerprint, state: null });
    expect(copy.id).not.toBe(id);
  });
});

describe('many profiles at once', () => {
  it('are tagged, untagged and deleted, and the answer says what became of each', async () => {
    const [one, two] = [await saveProfile(api, { tags: ['old'] }), await saveProfile(api)];
    const missing = randomUUID();
    const ids = [one.id, missing, two.id];

    const tagged = await bulk({ action: 'tag', ids, tags: ['new'] });
    expect(tagged).toMatchObject({ succeeded: 2, failed: 1 });
    expect(tagged.results.map(({ id, ok, code }) => [id, ok, code])).toEqual([
      [one.id, true, null],
      [missing, false, 'PROFILE_NOT_FOUND'],
      [two.id, true, null],
    ]);
    expect((await readProfile(api, one.id)).tags).toEqual(['old', 'new']);
    await bulk({ action: 'untag', ids, tags: ['old'] });
    expect((await readProfile(api, one.id)).tags).toEqual(['new']);

    expect(await bulk({ action: 'delete', ids })).toMatchObject({ succeeded: 2, failed: 1 });
    expect(await bulk({ action: 'delete', ids })).toMatchObject({ succeeded: 0, failed: 3 });
    expectProblem(await api.call('POST', '/api/profiles/bulk', { action: 'burn', ids }), 400, 'VALIDATION_FAILED');
  });
});

describe('saved cookies', () => {
  const cookies = [
    {
      name: 'lasting',
      value: 'a=b',
      domain: '.shop.test',
      path: '/',
      expires: 4_000_000_000,
      httpOnly: true,
      secure: true,
    },
    { name: 'passing', value: '', domain: 'shop.test', path: '/cart', expires: -1, httpOnly: false, secure: false },
  ];

  it('are set and read without a browser, as JSON and as a Netscape file', async () => {
    const { id } = await saveProfile(api);
    const read = async (accept: string): Promise<string> =>
      (await send(`${service.address}/api/profiles/${id}/cookies`, { headers: { ...service.headers, accept } })).text;
    expect(JSON.parse(await read('application/json'))).toEqual({ cookies: [] });

    expectStatus<CookieList>(await putCookies(id, JSON.stringify({ cookies }), 'application/json'), 200);
    expect(JSON.parse(await read('*/*'))).toEqual({ cookies });
    const file = await read('text/plain');
    expect(file).toContain('#HttpOnly_.shop.test\tTRUE\t/\tTRUE\t4000000000\tlasting\ta=b\n');

    const other = await saveProfile(api);
    expectStatus<CookieList>(await putCookies(other.id, file, 'text/plain'), 200);
    const answer = await api.call('GET', `/api/profiles/${other.id}/cookies`);
    expect(expectStatus<CookieList>(answer, 200).cookies).toEqual(cookies);
    expect((await readProfile(api, other.id)).state).toMatchObject({ version: 1, chromiumVersion: null });
  });

  it('that are none are refused, and nothing is changed', async () => {
    const { id } = await saveProfile(api);
    expectProblem(await putCookies(id, 'not a cookie file', 'text/plain'), 400, 'VALIDATION_FAILED');
    expectProblem(
      await putCookies(id, '{"cookies":[{"name":"a","value":"b"}]}', 'application/json'),
      400,
      'VALIDATION_FAILED',
    );
    expectProblem(await putCookies(id, '<a/>', 'application/xml'), 415, 'UNSUPPORTED_MEDIA_TYPE');
    expectProblem(await putCookies(randomUUID(), '{"cookies":[]}', 'application/json'), 404, 'PROFILE_NOT_FOUND');
    expectProblem(await api.call('PUT', `/api/profiles/${id}/cookies`), 400, 'VALIDATION_FAILED');
    expect((await readProfile(api, id)).state).toBeNull();
  });

  it('are kept in versions, of which an older one can be restored', async () => {
    const { id } = await saveProfile(api);
    for (const value of ['1', '2', '3', '4']) {
      const body = JSON.stringify({ cookies: [{ name: 'version', value, domain: 'a.test' }] });
      expectStatus(await putCookies(id, body, 'application/json'), 200);
    }
    const { states } = expectStatus<ProfileStateList>(await api.call('GET', `/api/profiles/${id}/states`), 200);
    expect(states.map(({ version }) => version)).toEqual([4, 3, 2]);

    const restore = (version: number): ReturnType<Api['call']> =>
      api.call('POST', `/api/profiles/${id}/states/restore`, { version });
    expect(expectStatus<Profile>(await restore(2), 200).state?.version).toBe(5);
    const answer = await api.call('GET', `/api/profiles/${id}/cookies`);
    expect(expectStatus<CookieList>(answer, 200).cookies).toMatchObject([{ name: 'version', value: '2' }]);
    expectProblem(await restore(1), 404, 'PROFILE_STATE_NOT_FOUND');
  });
});

describe('the file of a profile', () => {
  it('holds all of it, and makes another one', async () => {
    const original = await saveProfile(api, { name: 'Ünique / name', tags: ['x'], notes: 'n', folder: 'f' });
    const cookies = [
      { name: 'a', value: 'b', domain: 'a.test', path: '/', expires: -1, httpOnly: false, secure: false },
    ];
    expectStatus(await putCookies(original.id, JSON.stringify({ cookies }), 'application/json'), 200);

    const exported = await api.call('GET', `/api/profiles/${original.id}/export`);
    expect(exported.status).toBe(200);
    expect(exported.headers['content-type']).toBe('application/zstd');
    expect(exported.headers['content-disposition']).toBe('attachment; filename="nique-name.guise-profile.tar.zst"');

    const before = (await list('limit=200')).profiles.length;
    const dryRun = await sendProfileFile(service, 'dryRun=true', exported.body);
    expect(expectStatus<ImportResult>(dryRun, 200)).toMatchObject({ profile: null, name: original.name });
    expect((await list('limit=200')).profiles).toHaveLength(before);

    const imported = expectStatus<ImportResult>(
      await sendProfileFile(service, 'name=Copy&allowIncoherent=true', exported.body),
      201,
    );
    const { name: _name, id: _id, createdAt: _at, updatedAt: _then, state: _state, ...rest } = original;
    expect(imported.profile).toMatchObject({ ...rest, name: 'Copy', state: { version: 1 } });
    expect(imported.profile?.id).not.toBe(original.id);
    const answer = await api.call('GET', `/api/profiles/${imported.profile?.id ?? ''}/cookies`);
    expect(expectStatus<CookieList>(answer, 200).cookies).toEqual(cookies);

    const stateless = await api.call('GET', `/api/profiles/${original.id}/export?withState=false`);
    const bare = expectStatus<ImportResult>(
      await sendProfileFile(service, 'allowIncoherent=true', stateless.body),
      201,
    );
    expect(bare.profile?.state).toBeNull();
  });

  it('that is none, or damaged, is refused and leaves nothing', async () => {
    const { id } = await saveProfile(api);
    const { body } = await api.call('GET', `/api/profiles/${id}/export`);
    const before = (await list('limit=200')).profiles.length;
    const refused = [Buffer.from('no archive'), Buffer.alloc(0), body.subarray(0, body.length / 2)];
    for (const each of refused) {
      expectProblem(await sendProfileFile(service, '', each), 422, 'PROFILE_FILE_INVALID');
    }
    expect((await list('limit=200')).profiles).toHaveLength(before);
  });
});

describe('a fingerprint', () => {
  it('is made from constraints, the same from the same seed, and saved where that is asked for', async () => {
    const generate = async (body: object): Promise<{ fingerprint: Profile['fingerprint']; profile: Profile | null }> =>
      expectStatus(await api.call('POST', '/api/profiles/generate', body), 200);
    const constraints = { os: 'windows', locale: 'de-DE', seed: 42 };
    const { fingerprint, profile } = await generate(constraints);
    expect(profile).toBeNull();
    expect(fingerprint).toMatchObject({ os: 'windows', locale: 'de-DE' });
    expect((await generate(constraints)).fingerprint).toEqual(fingerprint);
    const saved = await generate({ ...constraints, save: { name: 'Generated', tags: ['made'] } });
    expect(await readProfile(api, saved.profile?.id ?? '')).toMatchObject({
      name: 'Generated',
      tags: ['made'],
      fingerprint,
    });

    const made = await bulk({ action: 'create', count: 5, name: 'Many', constraints, folder: 'many' });
    expect(made).toMatchObject({ succeeded: 5, failed: 0 });
    const { profiles } = await list('folder=many');
    expect(profiles.map(({ name }) => name)).toEqual(['Many 5', 'Many 4', 'Many 3', 'Many 2', 'Many 1']);
    expect(new Set(profiles.map((each) => JSON.stringify(each.fingerprint))).size).toBe(5);
  });

  it('that contradicts itself is refused with the rules it breaks, unless that is allowed, and can be mended', async () => {
    const { fingerprint } = expectStatus<{ fingerprint: Profile['fingerprint'] }>(
      await api.call('POST', '/api/profiles/generate', { os: 'windows' }),
      200,
    );
    const broken = { ...fingerprint, navigatorPlatform: 'MacIntel' };
    const refused = expectProblem(
      await api.call('POST', '/api/profiles', { name: 'x', fingerprint: broken }),
      422,
      'PROFILE_INCOHERENT',
    );
    expect(refused.faults?.map(({ path }) => path)).toContain('/navigatorPlatform');
    const judged = await api.call('POST', '/api/profiles/validate', { fingerprint: broken, repair: true });
    expect(judged.json()).toMatchObject({ isCoherent: false, repaired: { navigatorPlatform: 'Win32' } });

    const { id } = await saveProfile(api, { fingerprint: broken });
    expectProblem(await api.call('PATCH', `/api/profiles/${id}`, { fingerprint: broken }), 422, 'PROFILE_INCOHERENT');
    expect((await api.call('POST', `/api/profiles/${id}/validate`, { repair: true })).json()).toMatchObject({
      isCoherent: false,
    });
    expect((await api.call('POST', `/api/profiles/${id}/validate`)).json()).toEqual({
      isCoherent: true,
      faults: [],
      repaired: null,
    });
  });

  it('is moved to the version of the browser that runs here, and else stays what it is', async () => {
    const { fingerprint } = expectStatus<{ fingerprint: Profile['fingerprint'] }>(
      await api.call('POST', '/api/profiles/generate', { os: 'macos' }),
      200,
    );
    const old = {
      ...fingerprint,
      browser: { ...fingerprint.browser, version: '140.0.0.0' },
      userAgent: fingerprint.userAgent.replace(/Chrome\/\d+/, 'Chrome/140'),
    };
    const { id } = await saveProfile(api, { fingerprint: old });
    const updated = expectStatus<Profile>(await api.call('POST', `/api/profiles/${id}/update-browser-version`), 200);
    expect(updated.fingerprint).toEqual(fingerprint);
  });
});
