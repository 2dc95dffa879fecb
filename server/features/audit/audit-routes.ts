import { Readable } from 'node:stream';

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type AuditRecord, NDJSON_TYPE } from '@guise/contract';

import { AUDIT_OPERATIONS as operations } from './audit-operations.ts';
import type { AuditRepository } from './audit-repository.ts';

const DEFAULT_PAGE_SIZE = 100;
const EXPORT_PAGE_SIZE = 1_000;

async function* toLines(pages: AsyncIterable<readonly AuditRecord[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map((entry) => `${JSON.stringify(entry)}\n`).join('');
}

/** Routes that show the audit trail. */
export function auditRoutes(trail: AuditRepository): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/audit', { schema: operations.listAudit }, async (request, reply) => {
      const { limit = DEFAULT_PAGE_SIZE, cursor, ...filter } = request.query;
      if (request.headers.accept?.includes(NDJSON_TYPE) === true) {
        const pages = trail.listAll(filter, EXPORT_PAGE_SIZE);
        const lines = Readable.from(toLines(pages));
        return reply
          .type(NDJSON_TYPE)
          .header('content-disposition', 'attachment; filename="audit.ndjson"')
          .send(lines as never);
      }
      const before = cursor === undefined ? undefined : Number(cursor);
      // One more than asked for tells whether there is a next page.
      const found = await trail.list({ ...filter, before, limit: limit + 1 });
      const entries = found.slice(0, limit);
      const last = entries.at(-1);
      return { entries, nextCursor: found.length > limit && last !== undefined ? String(last.id) : null };
    });
  };
}
