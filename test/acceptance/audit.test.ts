import type { AuditList, AuditRecord } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { expectStatus } from './api.ts';
import { send } from './http-client.ts';
import { type KeyedService, startKeyedService } from './keyed-service.ts';
import { startPageServer } from './page-server.ts';
import { connectRpc } from './rpc-client.ts';
import { until } from './until.ts';

let stack: AsyncDisposableStack;
let keyed: KeyedService;
/** What there is from before is none of these tests' concern. */
const since = new Date().toISOString();

beforeAll(async () => {
  await using starting = new AsyncDisposableStack();
  keyed = await startKeyedService(starting);
  stack = starting.move();
});
afterAll(() => stack.disposeAsync());

async function listAudit(filter: Readonly<Record<string, string>> = {}): Promise<AuditRecord[]> {
  const query = new URLSearchParams({ since, ...filter }).toString();
  return expectStatus<AuditList>(await keyed.root.call('GET', `/api/audit?${query}`), 200).entries;
}

/** Entries are written behind the answer. */
function findEntry(filter: Readonly<Record<string, string>>): Promise<AuditRecord> {
  return until(`an entry of ${JSON.stringify(filter)}`, async () => (await listAudit(filter))[0]);
}

describe('the audit trail', () => {
  it('says who did what, from where, with which outcome', { tags: 'same-machine' }, async () => {
    const { key, api } = await keyed.hand({ name: 'alice', role: 'user' });
    expect(await findEntry({ action: 'createApiKey', resourceId: key.id })).toMatchObject({
      actor: { name: 'root', address: '127.0.0.1' },
      resourceType: 'key',
      outcome: 'success',
      status: 201,
      details: { fields: ['name', 'role'] },
    });
    const { id } = await api.create({ metadata: { secret: 'hunter2' } });
    expect(await findEntry({ action: 'createSession', resourceId: id })).toMatchObject({
      actor: { keyId: key.id, name: 'alice', address: '127.0.0.1' },
      resourceType: 'session',
      outcome: 'success',
    });
    await api.evaluate(id, '"hunter2"');
    expect(await findEntry({ action: 'executeScript', resourceId: id })).toMatchObject({
      actor: { keyId: key.id },
      details: { fields: ['code'] },
    });
    using client = await connectRpc(keyed.service.address, key.secret);
    await client.call('session.end', { sessionId: id });
    expect(await findEntry({ action: 'endSession', resourceId: id, actor: 'alice' })).toMatchObject({ status: 200 });
    await api.call('GET', '/api/sessions');
    expect(JSON.stringify(await listAudit())).not.toMatch(/hunter2|listSessions/);
  });

  it('has what was refused: no key, no role, no quota', { tags: 'same-machine' }, async () => {
    await send(`${keyed.service.address}/api/sessions`, { headers: { 'user-agent': 'intruder/1' } });
    const findRefused = async (): Promise<AuditRecord | undefined> =>
      (await listAudit({ action: 'listSessions', outcome: 'refused' })).find(({ actor }) => actor.keyId === null);
    expect(await until('the entry of who has no key', findRefused)).toMatchObject({
      actor: { keyId: null, name: null, address: '127.0.0.1', userAgent: 'intruder/1' },
      status: 401,
      details: { code: 'UNAUTHORIZED' },
    });
    const { key, api } = await keyed.hand({ name: 'nobody', role: 'user', quotas: { maxSessions: 0 } });
    await api.call('GET', '/api/audit');
    expect(await findEntry({ action: 'listAudit', actor: key.id })).toMatchObject({ status: 403, outcome: 'refused' });
    await api.call('POST', '/api/sessions', {});
    expect(await findEntry({ action: 'createSessionAlias', actor: key.id })).toMatchObject({
      status: 429,
      details: { code: 'QUOTA_EXCEEDED' },
    });
    const socket = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    await send(`${keyed.service.address}/connect?apiKey=${key.secret}x`, {
      headers: { ...socket, 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
    });
    expect(await findEntry({ action: 'connectSession' })).toMatchObject({
      status: 401,
      details: { fields: ['apiKey'] },
    });
  });

  it('has what sessions tried and were refused', { tags: 'same-machine' }, async () => {
    await using local = new AsyncDisposableStack();
    const site = await startPageServer(local);
    site.on('/', '<title>Here</title>');
    const { key, api } = await keyed.hand({ name: 'prober', role: 'user' });
    const { id } = await api.create({ blockedDomains: ['127.0.0.1'] });
    await api.call('POST', `/api/sessions/${id}/navigate`, { url: `${site.origin}/` });
    expect(await findEntry({ action: 'connectOut', resourceId: id })).toMatchObject({
      actor: { keyId: key.id },
      outcome: 'refused',
    });
    await api.end(id);
  });

  it('is given in pages and as a file, in the same order, to admins only', async () => {
    const entries = await listAudit({ limit: '1000' });
    const paged: AuditRecord[] = [];
    let cursor = '';
    do {
      const page = `/api/audit?since=${since}&limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const list = expectStatus<AuditList>(await keyed.root.call('GET', page), 200);
      paged.push(...list.entries);
      cursor = list.nextCursor ?? '';
    } while (cursor !== '');
    const last = entries[0]?.id ?? 0;
    expect(paged.filter(({ id }) => id <= last)).toEqual(entries);
    const file = await send(`${keyed.service.address}/api/audit?since=${since}`, {
      headers: { authorization: `Bearer ${keyed.rootSecret}`, accept: 'application/x-ndjson' },
    });
    expect(file.headers['content-type']).toBe('application/x-ndjson');
    const lines = file.text.trimEnd().split('\n');
    const exported = lines.map((line) => JSON.parse(line) as AuditRecord);
    expect(exported.filter(({ id }) => id <= last)).toEqual(entries);
  });
});
