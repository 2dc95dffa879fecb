import type { CreateApiKey, CreatedApiKey } from '@guise/contract';

import { type Api, connectApi, expectStatus } from './api.ts';
import { type Service, type ServiceSettings, startService } from './service.ts';

/** The secret of the key that every such service has from its environment. */
export const ROOT_SECRET = 'root-0123456789abcdef0123456789';

/** A key, and the API as a program uses it that has the key. */
export interface KeyHolder {
  readonly key: CreatedApiKey;
  readonly api: Api;
}

/** A service that asks for keys. */
export interface KeyedService {
  readonly service: Service;
  readonly root: Api;
  /** The secret of the key that `root` has. */
  readonly rootSecret: string;
  /** The API as a program uses it that has no key. */
  readonly keyless: Api;
  /** Makes a key. */
  hand(wish: CreateApiKey): Promise<KeyHolder>;
}

/** Starts one. `stack` stops it. */
export async function startKeyedService(
  stack: AsyncDisposableStack,
  settings: ServiceSettings = {},
): Promise<KeyedService> {
  const service = await startService(stack, { API_KEYS: `root:admin:${ROOT_SECRET}`, ...settings });
  const rootSecret = service.key ?? ROOT_SECRET;
  const root = connectApi(service.address, rootSecret);
  const handed: string[] = [];
  // A service that was started elsewhere goes on, and two keys that are valid have no name in common.
  stack.defer(async () => void (await Promise.all(handed.map((id) => root.call('DELETE', `/api/keys/${id}`)))));
  return {
    service,
    root,
    rootSecret,
    keyless: connectApi(service.address),
    async hand(wish) {
      const key = expectStatus<CreatedApiKey>(await root.call('POST', '/api/keys', wish), 201);
      handed.push(key.id);
      return { key, api: connectApi(service.address, key.secret) };
    },
  };
}
