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
  /** Makes a key. */
  hand(wish: CreateApiKey): Promise<KeyHolder>;
}

/** Starts one. `stack` stops it. */
export async function startKeyedService(
  stack: AsyncDisposableStack,
  settings: ServiceSettings = {},
): Promise<KeyedService> {
  const service = await startService(stack, { API_KEYS: `root:admin:${ROOT_SECRET}`, ...settings });
  const root = connectApi(service.address, ROOT_SECRET);
  return {
    service,
    root,
    async hand(wish) {
      const key = expectStatus<CreatedApiKey>(await root.call('POST', '/api/keys', wish), 201);
      return { key, api: connectApi(service.address, key.secret) };
    },
  };
}
