import { describe, expect, it } from 'vitest';

import { silentLogger } from '../../platform/logger/logger.ts';
import { openTestDatabase } from '../../testing/test-database.ts';
import { AuditTrail } from './audit-trail.ts';

describe('AuditTrail', () => {
  it('has written every entry when it is disposed', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const trail = new AuditTrail({ db, nodeId: 'node-1', logger: silentLogger });
    const outcomes = ['success', 'refused', 'failure'] as const;
    for (const outcome of outcomes) {
      trail.record({
        action: 'createSession',
        resourceType: 'session',
        resourceId: 'a',
        outcome,
        details: { os: 'macos', seed: 7 },
      });
    }
    await trail[Symbol.asyncDispose]();
    const rows = await db.query(
      'select action, resource_type, resource_id, outcome, node_id, details from audit_logs order by id',
    );
    const common = { action: 'createSession', resource_type: 'session', resource_id: 'a', node_id: 'node-1' };
    expect(rows).toHaveLength(3);
    for (const outcome of outcomes) {
      expect(rows).toContainEqual({ ...common, outcome, details: { os: 'macos', seed: 7 } });
    }
  });

  it('logs an entry the database does not take, whole', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const logged: unknown[] = [];
    const logger = { ...silentLogger, error: (fields: object) => void logged.push(fields) };
    const trail = new AuditTrail({ db, nodeId: 'node-1', logger });
    const entry = { action: '', resourceType: 'session', resourceId: 'b', outcome: 'success', details: {} } as const;
    trail.record(entry);
    await trail[Symbol.asyncDispose]();
    expect(logged).toEqual([expect.objectContaining({ entry })]);
    expect(await db.query('select 1 from audit_logs')).toEqual([]);
  });
});
