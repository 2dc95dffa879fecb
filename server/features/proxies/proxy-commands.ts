import type {
  CreateProxy,
  ListProxiesQuery,
  Proxy,
  ProxyGroup,
  ProxyGroupList,
  ProxyList,
  UpdateProxy,
} from '@guise/contract';

import { AppError } from '../../lib/app-error.ts';
import { toCursor, toPosition } from '../../lib/list-cursor.ts';
import type { ProxyChecker } from './proxy-checker.ts';
import type { ProxyHealth } from './proxy-health.ts';
import type { ProxyRecord } from './proxy-record.ts';
import type { ProxyService } from './proxy-service.ts';
import { toProxy, toProxySummary } from './proxy-view.ts';

const DEFAULT_PAGE_SIZE = 50;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface ProxyChoice {
  readonly proxyId: string;
}

/** What a client can ask of proxies. All reject with {AppError}, PROXY_NOT_FOUND for what is no id. */
export interface ProxyCommands {
  list(query: ListProxiesQuery): Promise<ProxyList>;
  create(input: CreateProxy): Promise<Proxy>;
  get(wish: ProxyChoice): Promise<Proxy>;
  update(wish: UpdateProxy & ProxyChoice): Promise<Proxy>;
  delete(wish: ProxyChoice): Promise<void>;
  check(wish: ProxyChoice, signal: AbortSignal): Promise<Proxy>;
  listGroups(): Promise<ProxyGroupList>;
}

interface CommandDeps {
  readonly service: ProxyService;
  readonly checker: ProxyChecker;
  readonly health: ProxyHealth;
}

function toProxyId({ proxyId }: ProxyChoice): string {
  if (UUID.test(proxyId)) return proxyId.toLowerCase();
  throw new AppError('PROXY_NOT_FOUND', 'There is no such proxy: that is not the id of one');
}

/** See `ProxyCommands`. */
export function proxyCommands({ service, checker, health }: CommandDeps): ProxyCommands {
  return {
    async list({ limit = DEFAULT_PAGE_SIZE, cursor, ...filter }) {
      // One more than asked for tells whether there is a next page.
      const records = await service.list({ ...filter, after: toPosition(cursor), limit: limit + 1 });
      const page = records.slice(0, limit);
      const last = page.at(-1);
      const nextCursor = records.length > limit && last !== undefined ? toCursor(last) : null;
      return { proxies: page.map(toProxySummary), nextCursor };
    },
    async create(input) {
      return toProxy(await service.create(input));
    },
    async get(wish) {
      return toProxy(await service.get(toProxyId(wish)));
    },
    async update({ proxyId, ...changes }) {
      return toProxy(await service.update(toProxyId({ proxyId }), changes));
    },
    async delete(wish) {
      await service.delete(toProxyId(wish));
    },
    async check(wish, signal) {
      return toProxy(await checker.check(await service.get(toProxyId(wish)), signal));
    },
    async listGroups() {
      const byGroup = Map.groupBy(await service.listGroupMembers(), ({ rotationGroup }) => rotationGroup ?? '');
      return {
        groups: [...byGroup].map(([rotationGroup, members]) => ({
          rotationGroup,
          members: members.map((member) => toGroupMember(member, health)),
        })),
      };
    },
  };
}

function toGroupMember(record: ProxyRecord, health: ProxyHealth): ProxyGroup['members'][number] {
  const { id, name, isActive, failedChecksInARow, lastUsedAt } = record;
  const avoidedUntil = health.avoidedUntil(id);
  const state = (): ProxyGroup['members'][number]['health'] => {
    if (avoidedUntil !== undefined) return 'avoided';
    if (failedChecksInARow > 0 || health.hasFailed(id)) return 'failing';
    return record.lastCheck === null && lastUsedAt === null ? 'unknown' : 'healthy';
  };
  return {
    id,
    name,
    isActive,
    health: state(),
    failedChecksInARow,
    avoidedUntil: avoidedUntil?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}
