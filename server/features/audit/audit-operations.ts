import { AuditList, ListAuditQuery, NDJSON_TYPE, Problem } from '@guise/contract';
import { Type } from 'typebox';

/** What each route of the audit trail takes and gives, for validation and for the OpenAPI document. */
export const AUDIT_OPERATIONS = {
  listAudit: {
    operationId: 'listAudit',
    summary: `Who did what, newest first; with Accept: ${NDJSON_TYPE} all of it, one entry a line`,
    tags: ['audit'],
    querystring: ListAuditQuery,
    response: {
      200: {
        description: 'A page, or the whole trail as a file',
        content: {
          'application/json': { schema: AuditList },
          [NDJSON_TYPE]: { schema: Type.Unsafe<string>({ type: 'string' }) },
        },
      },
      '4xx': Problem,
      '5xx': Problem,
    },
  },
};
