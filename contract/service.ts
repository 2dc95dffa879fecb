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

/** A node of the cluster, as the one that answers last heard of it. */
const ClusterNode = Type.Object({
  nodeId: Type.String(),
  url: Type.Union([Type.String(), Type.Null()], { description: 'Where other nodes reach it; null while it starts.' }),
  epoch: Type.Integer({ description: 'How often a node of this name has joined.' }),
  version: Type.String(),
  limit: Type.Integer(),
  taken: Type.Integer({ description: 'Places taken or promised.' }),
  isOpen: Type.Boolean({ description: 'Whether it takes new sessions now.' }),
  isDraining: Type.Boolean(),
  lastHeardMs: Type.Integer({ description: 'Milliseconds since it was heard of, when this node last looked.' }),
});

/** Answer of `GET /status`: what this node is doing now. */
export const Status = Type.Object({
  nodeId: Type.String(),
  version: Type.String(),
  mode: Type.String(),
  browserVersion: Type.String(),
  startedAt: Type.String({ format: 'date-time' }),
  uptimeSeconds: Type.Integer(),
  draining: Type.Boolean(),
  cluster: Type.Optional(
    Type.Object(
      {
        nodes: Type.Array(ClusterNode),
        waiting: Type.Integer({ description: 'Creates in the line of the cluster.' }),
        isRedisAnswering: Type.Boolean(),
      },
      { description: 'Absent on a node that is not part of one.' },
    ),
  ),
  sessions: Type.Object({
    live: Type.Integer(),
    limit: Type.Integer(),
    queued: Type.Integer(),
    queueLimit: Type.Integer(),
    cdpClients: Type.Integer(),
  }),
  queue: Type.Object(
    {
      waiting: Type.Integer(),
      limit: Type.Integer(),
      timeoutMs: Type.Integer(),
      entries: Type.Array(
        Type.Object({
          position: Type.Integer({ description: '1 is served next.' }),
          sessionId: Type.String({ description: 'The id the session will have.' }),
          priority: Type.Number(),
          waitedMs: Type.Integer(),
        }),
        { description: 'The first 100, in the order in which they will be served.' },
      ),
    },
    { description: 'Creates that wait for a place or for memory.' },
  ),
  launches: Type.Object(
    { running: Type.Integer(), waiting: Type.Integer(), limit: Type.Integer() },
    { description: 'Browsers being started, and those whose turn has not come.' },
  ),
  memory: Type.Object({
    availableMb: Type.Integer({ description: 'What the machine or a cgroup of the service has left.' }),
    promisedMb: Type.Integer({ description: 'What browsers under way will take of it.' }),
    reserveMb: Type.Integer({ description: 'What is to stay free.' }),
  }),
  warmPool: Type.Object({
    size: Type.Integer(),
    ready: Type.Integer(),
    starting: Type.Integer(),
    isPaused: Type.Boolean({ description: 'Whether memory is too short for warm browsers.' }),
    hitRate: Type.Union([Type.Number(), Type.Null()], {
      description: 'Part of the recent claims served warm, of those that could have been; null without any.',
    }),
    classes: Type.Array(
      Type.Object({ class: Type.String(), target: Type.Integer(), ready: Type.Integer(), starting: Type.Integer() }),
      { description: 'Kinds of warm browsers; the size is shared among them by recent demand.' },
    ),
  }),
});
export type Status = Static<typeof Status>;
