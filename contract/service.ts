import { type Static, Type } from 'typebox';

const CHECK_STATUSES = ['ok', 'failed'] as const;

/** Answer of `GET /health` and `GET /health/ready`: 200 when `status` is `ok`, 503 otherwise. */
export const Health = Type.Object({
  status: Type.Enum(CHECK_STATUSES),
  checks: Type.Record(
    Type.String(),
    Type.Object({ status: Type.Enum(CHECK_STATUSES), detail: Type.Optional(Type.String()), latencyMs: Type.Number() }),
  ),
});
export type Health = Static<typeof Health>;

export const Liveness = Type.Object({ status: Type.Literal('ok') });

/** Answer of `GET /status`: what this node is doing now. */
export const Status = Type.Object({
  nodeId: Type.String(),
  version: Type.String(),
  mode: Type.String(),
  browserVersion: Type.String(),
  startedAt: Type.String({ format: 'date-time' }),
  uptimeSeconds: Type.Integer(),
  draining: Type.Boolean(),
  sessions: Type.Object({
    live: Type.Integer(),
    limit: Type.Integer(),
    queued: Type.Integer(),
    queueLimit: Type.Integer(),
    cdpClients: Type.Integer(),
  }),
  warmPool: Type.Object({ size: Type.Integer(), ready: Type.Integer(), starting: Type.Integer() }),
});
export type Status = Static<typeof Status>;
