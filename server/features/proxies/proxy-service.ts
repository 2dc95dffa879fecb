import { randomUUID } from 'node:crypto';

import type { CreateProxy, UpdateProxy } from '@guise/contract';

import { invalidField } from '../../lib/app-error.ts';
import { noSuchProxy } from './proxy-failures.ts';
import { readAddressChanges, readLabels, readNewAddress } from './proxy-input.ts';
import type { ProxyHealth } from './proxy-health.ts';
import type { ProxyPasswords } from './proxy-passwords.ts';
import type { NewProxy, ProxyRecord } from './proxy-record.ts';
import type { ProxyFilter, ProxyRepository } from './proxy-repository.ts';
import { describeUpstream } from './proxy-url.ts';

export interface ProxyServiceDeps {
  readonly proxies: ProxyRepository;
  readonly passwords: ProxyPasswords;
  readonly health: Pick<ProxyHealth, 'forget'>;
}

const UNLABELLED: Omit<NewProxy, 'id' | 'name' | 'protocol' | 'host' | 'port' | 'username' | 'passwordSealed'> = {
  country: null,
  city: null,
  timezone: null,
  locale: null,
  latitude: null,
  longitude: null,
  rotationGroup: null,
  rotationUrl: null,
  tags: [],
  notes: '',
  isActive: true,
};

/** Names the mistake when a write failed because half of a pair of coordinates is missing; all else stays as it is. */
function nameWriteFailure(error: unknown): unknown {
  const isHalf =
    error instanceof Error && 'constraint' in error && error.constraint === 'proxies_coordinates_are_whole';
  return isHalf ? invalidField('/latitude', 'latitude and longitude go together') : error;
}

/** Use cases over saved proxies. */
export class ProxyService {
  readonly #deps: ProxyServiceDeps;

  constructor(deps: ProxyServiceDeps) {
    this.#deps = deps;
  }

  /** @throws {AppError} PROXY_NOT_FOUND */
  async get(id: string): Promise<ProxyRecord> {
    const record = await this.#deps.proxies.find(id);
    if (record === undefined) throw noSuchProxy(id);
    return record;
  }

  /** Newest first. */
  list(filter: ProxyFilter): Promise<ProxyRecord[]> {
    return this.#deps.proxies.list(filter);
  }

  /** @throws {AppError} VALIDATION_FAILED */
  async create(input: CreateProxy): Promise<ProxyRecord> {
    const { proxies, passwords } = this.#deps;
    const { protocol, host, port, username = null, password } = readNewAddress(input);
    const id = randomUUID();
    const labels = Object.entries(readLabels(input)).filter(([, value]) => value !== undefined);
    const proxy: NewProxy = {
      ...UNLABELLED,
      ...Object.fromEntries(labels),
      id,
      name: input.name ?? describeUpstream({ host, port }),
      protocol,
      host,
      port,
      username,
      passwordSealed: password === undefined ? null : await passwords.seal(id, password),
    };
    try {
      return await proxies.insert(proxy);
    } catch (error) {
      throw nameWriteFailure(error);
    }
  }

  /** Sessions that leave through it keep what they have. @throws {AppError} PROXY_NOT_FOUND, VALIDATION_FAILED */
  async update(id: string, input: UpdateProxy): Promise<ProxyRecord> {
    const { proxies, passwords } = this.#deps;
    const { password, ...address } = readAddressChanges(input, await this.get(id));
    const passwordSealed = typeof password === 'string' ? await passwords.seal(id, password) : password;
    try {
      const record = await proxies.update(id, { name: input.name, ...readLabels(input), ...address, passwordSealed });
      if (record === undefined) throw noSuchProxy(id);
      // Another address, or other credentials: what was wrong before says nothing now.
      this.#deps.health.forget(id);
      return record;
    } catch (error) {
      throw nameWriteFailure(error);
    }
  }

  /** Profiles and sessions that name it name none afterwards. @throws {AppError} PROXY_NOT_FOUND */
  async delete(id: string): Promise<void> {
    if (!(await this.#deps.proxies.delete(id))) throw noSuchProxy(id);
  }

  /** Those of every rotation group, by group. */
  listGroupMembers(): Promise<ProxyRecord[]> {
    return this.#deps.proxies.listGroupMembers();
  }
}
