import type { AuditRecord } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { KEYLESS } from '../../lib/actor.ts';
import { silentLogger } from '../../platform/logger/logger.ts';
import { openTestDatabase } from '../../testing/test-database.ts';
import { AccessAudit } from './access-audit.ts';
import type { AuditEntry } from './audit-entry.ts';
import { AuditRepository } from './audit-repository.ts';
import { AuditTrail } from './audit-trail.ts';

const ALICE = '3f1a4c0e-0f8a-4d6b-9a51-1f6a0a7d2c11';

function entry(changes: Partial<AuditEntry> = {}): AuditEntry {
  return {
    actor: {
      keyId: ALICE,
      name: 'alice',
      client: { address: '::ffff:10.0.0.7', userAgent: 'curl/8\u0000', requestId: 'r1' },
    },
    action: 'endSession',
    resourceType: 'session',
    resourceId: 's1',
    outcome: 'success',
    status: 200,
    details: {},
    ...changes,
  };
}

describe('the audit trail', () => {
  it('says who did what from where, newest first, filtered and in pages', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const trail = new AuditTrail({ db, nodeId: 'node-1', logger: silentLogger });
    trail.record(entry());
    trail.record(
      entry({
        action: 'createProxy',
        outcome: 'refused',
        status: 403,
        details: { code: 'VALIDATION', fields: ['\udfff'] },
      }),
    );
    trail.record(entry({ actor: undefined, resourceId: 's2', outcome: 'failure', status: 500 }));
    await trail.flush();
    const repository = new AuditRepository(db);
    const all = await repository.list({ limit: 10 });
    expect(all.map(({ outcome }) => outcome)).toEqual(['failure', 'refused', 'success']);
    expect(all.at(-1)).toMatchObject({
      actor: { keyId: ALICE, name: 'alice', address: '::ffff:10.0.0.7', userAgent: 'curl/8\ufffd' },
      action: 'endSession',
      resourceType: 'session',
      resourceId: 's1',
      status: 200,
      requestId: 'r1',
      nodeId: 'node-1',
    });
    const count = async (filter: object): Promise<number> => (await repository.list({ ...filter, limit: 10 })).length;
    expect(await count({ actor: ALICE })).toBe(2);
    expect(await count({ actor: 'alice' })).toBe(2);
    expect(await count({ action: 'createProxy' })).toBe(1);
    expect(await count({ resourceType: 'session', resourceId: 's2' })).toBe(1);
    expect(await count({ outcome: 'refused' })).toBe(1);
    expect(await count({ since: new Date(Date.now() + 60_000).toISOString() })).toBe(0);
    expect(await count({ until: new Date(Date.now() + 60_000).toISOString() })).toBe(3);
    const pages: AuditRecord[][] = [];
    for await (const page of repository.listAll({}, 2)) pages.push(page);
    expect(pages.map((page) => page.length)).toEqual([2, 1]);
    expect(pages.flat()).toEqual(all);
  });

  it('notes changes and refusals, and not what was only read', async () => {
    const noted: AuditEntry[] = [];
    const audit = new AccessAudit({ record: (each) => noted.push(each), isAudited: (id) => id === 'endSession' });
    const asked = { actor: KEYLESS, resourceType: 'session', resourceId: 'a', fields: ['code'] };
    audit.note({ ...asked, operationId: 'endSession', status: 200, problemCode: null });
    audit.note({ ...asked, operationId: 'endSession', status: 404, problemCode: 'SESSION_NOT_FOUND' });
    audit.note({ ...asked, operationId: 'getSession', status: 200, problemCode: null });
    audit.note({ ...asked, operationId: 'getSession', status: 404, problemCode: 'SESSION_NOT_FOUND' });
    audit.note({ ...asked, operationId: 'getSession', status: 403, problemCode: 'FORBIDDEN' });
    expect(noted.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'endSession success',
      'endSession refused',
      'getSession refused',
    ]);
  });

  it('counts what one address is refused over and over, and writes the rest', () => {
    const noted: AuditEntry[] = [];
    const audit = new AccessAudit({ record: (each) => noted.push(each), isAudited: () => false });
    for (let time = 0; time < 1_000; time += 1) {
      audit.note({
        operationId: 'getSession',
        actor: KEYLESS,
        status: 401,
        problemCode: 'UNAUTHORIZED',
        resourceType: null,
        resourceId: null,
        fields: [],
      });
    }
    expect(noted).toHaveLength(60);
  });
});
