import {
  type DialUpstream,
  GeoTable,
  ProxyChecker,
  proxyCommands,
  ProxyHealth,
  ProxyPasswords,
  ProxyRepository,
  ProxyService,
  ProxyStore,
} from './features/proxies/index.ts';
import type { Logger } from './platform/logger/logger.ts';
import { type Database, loadInstanceSecret } from './platform/postgres/index.ts';
import type { Settings } from './settings/load-settings.ts';

/** Saved proxies, for the sessions that leave through them and for those who ask for them. */
export interface ProxyParts {
  readonly store: ProxyStore;
  readonly commands: ReturnType<typeof proxyCommands>;
  /** Of which moment the table of addresses is that tells countries. */
  readonly geoTableBuiltAt: Date;
}

/** Puts together what saved proxies are made of. `dial` connects through one, under the rules of the node. */
export async function buildProxies(
  settings: Pick<Settings, 'profileEncryptionKey' | 'egressEchoUrl' | 'proxyCheckIntervalMs' | 'geoDatabasePath'>,
  { db, dial }: { readonly db: Database; readonly dial: DialUpstream },
  logger: Logger,
): Promise<ProxyParts> {
  // What was sealed before there was a key of the settings is still opened.
  const ownKey = await loadInstanceSecret(db, 'proxy-passwords');
  const { profileEncryptionKey, egressEchoUrl, proxyCheckIntervalMs, geoDatabasePath } = settings;
  const passwords = new ProxyPasswords(profileEncryptionKey === undefined ? [ownKey] : [profileEncryptionKey, ownKey]);
  const geoTable = await GeoTable.open(geoDatabasePath);
  const proxies = new ProxyRepository(db);
  const health = new ProxyHealth();
  const checker = new ProxyChecker({ proxies, passwords, health, geoTable, dial, echoUrl: new URL(egressEchoUrl) });
  const service = new ProxyService({ proxies, passwords, health });
  const store = new ProxyStore({ proxies, passwords, health, checker, logger, checkIntervalMs: proxyCheckIntervalMs });
  return { store, commands: proxyCommands({ service, checker, health }), geoTableBuiltAt: geoTable.builtAt };
}
