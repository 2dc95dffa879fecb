import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Health, Liveness, Problem, ProblemKind, PROBLEMS, Status } from '@guise/contract';
import { Type } from 'typebox';

import { AppError } from '../lib/app-error.ts';
import { toError } from '../lib/deadline.ts';

const CHECK_TIMEOUT_MS = 2_000;

/** One thing the service cannot do without; rejects when it does not work. */
export type HealthCheck = (signal: AbortSignal) => Promise<void>;

interface ServiceRoutesDeps {
  readonly checks: Readonly<Record<string, HealthCheck>>;
  /** What the service can do without for a while: reported, and no reason to send clients elsewhere. */
  readonly advisory?: Readonly<Record<string, HealthCheck>> | undefined;
  readonly status: () => Status;
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> };
}

const tags = ['service'];
const getHealth = {
  operationId: 'getHealth',
  summary: 'Whether the service can do its work, with the state of each dependency',
  tags,
  response: { 200: Health, 503: Health },
};
const OPERATIONS = {
  getHealth,
  getReadiness: { ...getHealth, operationId: 'getReadiness', summary: 'The same as getHealth, for load balancers' },
  getLiveness: {
    operationId: 'getLiveness',
    summary: 'Whether the process answers at all',
    tags,
    response: { 200: Liveness },
  },
  getStatus: { operationId: 'getStatus', summary: 'What this node is doing now', tags, response: { 200: Status } },
  getMetrics: { operationId: 'getMetrics', summary: 'Prometheus metrics', tags, produces: ['text/plain'] },
  getProblemKind: {
    operationId: 'getProblemKind',
    summary: 'What a kind of problem means',
    tags,
    params: Type.Object({ name: Type.String() }),
    response: { 200: ProblemKind, '4xx': Problem },
  },
};

async function runCheck(check: HealthCheck): Promise<Health['checks'][string]> {
  const startedAt = performance.now();
  const elapsed = (): number => Math.round((performance.now() - startedAt) * 10) / 10;
  try {
    await check(AbortSignal.timeout(CHECK_TIMEOUT_MS));
    return { status: 'ok', latencyMs: elapsed() };
  } catch (error) {
    return { status: 'failed', detail: toError(error).message, latencyMs: elapsed() };
  }
}

async function runChecks({ checks, advisory = {} }: Pick<ServiceRoutesDeps, 'checks' | 'advisory'>): Promise<Health> {
  const results = await Promise.all(
    Object.entries({ ...checks, ...advisory }).map(async ([name, check]) => [name, await runCheck(check)] as const),
  );
  const status = results.every(([name, { status: each }]) => each === 'ok' || Object.hasOwn(advisory, name))
    ? 'ok'
    : 'failed';
  return { status, checks: Object.fromEntries(results) };
}

/** Routes for those who run the service: health, status, metrics, and what its problems mean. */
export function serviceRoutes({ checks, advisory, status, metrics }: ServiceRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const [url, schema] of [
      ['/health', OPERATIONS.getHealth],
      ['/health/ready', OPERATIONS.getReadiness],
    ] as const) {
      app.get(url, { schema }, async (_request, reply) => {
        const health = await runChecks({ checks, advisory });
        return reply.code(health.status === 'ok' ? 200 : 503).send(health);
      });
    }

    app.get('/health/live', { schema: OPERATIONS.getLiveness }, () => ({ status: 'ok' as const }));

    app.get('/status', { schema: OPERATIONS.getStatus }, () => status());

    app.get('/metrics', { schema: OPERATIONS.getMetrics }, async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.metrics()),
    );

    app.get('/problems/:name', { schema: OPERATIONS.getProblemKind }, ({ params: { name } }) => {
      const code = name.toUpperCase().replaceAll('-', '_');
      const kind = Object.entries(PROBLEMS).find(([each]) => each === code)?.[1];
      if (kind === undefined) throw new AppError('ROUTE_NOT_FOUND', `There is no problem called ${name}`);
      return { code, ...kind };
    });
  };
}
