import { type Static, Type } from 'typebox';

const strict = { additionalProperties: false } as const;
const orNull = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()]);

/** Type of the audit trail as a file: one entry a line, as JSON. */
export const NDJSON_TYPE = 'application/x-ndjson';

/** How something ended: it was done, it was refused, or it failed. */
export const AuditOutcome = Type.Enum(['success', 'refused', 'failure']);
export type AuditOutcome = Static<typeof AuditOutcome>;

/** Something somebody did, or was refused. */
export const AuditRecord = Type.Object({
  id: Type.Integer({ description: 'Grows with time.' }),
  at: Type.String({ format: 'date-time' }),
  actor: Type.Object(
    {
      keyId: orNull(Type.String()),
      name: orNull(Type.String()),
      address: orNull(Type.String({ description: 'Where the request came from.' })),
      userAgent: orNull(Type.String()),
    },
    { description: 'keyId null: nobody with a key.' },
  ),
  action: Type.String({ description: 'The operationId of the route, such as createSession.' }),
  resourceType: orNull(Type.String()),
  resourceId: orNull(Type.String()),
  outcome: AuditOutcome,
  status: orNull(Type.Integer({ description: 'The HTTP status of the answer.' })),
  requestId: orNull(Type.String()),
  nodeId: orNull(Type.String()),
  details: Type.Record(Type.String(), Type.Unknown()),
});
export type AuditRecord = Static<typeof AuditRecord>;

const Moment = Type.String({ format: 'date-time' });

/** Query of `GET /api/audit`. */
export const ListAuditQuery = Type.Object(
  {
    actor: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Id or name of a key.' })),
    action: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    resourceType: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    resourceId: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    outcome: Type.Optional(AuditOutcome),
    since: Type.Optional(Moment),
    until: Type.Optional(Moment),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'Of a page; an export has no pages.' }),
    ),
    cursor: Type.Optional(Type.String({ pattern: '^\\d{1,18}$' })),
  },
  strict,
);
export type ListAuditQuery = Static<typeof ListAuditQuery>;

export const AuditList = Type.Object({
  entries: Type.Array(AuditRecord),
  nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Pass as `cursor` for the next page.' }),
});
export type AuditList = Static<typeof AuditList>;
