import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates } from 'node:tls';

import type { Registry } from 'prom-client';

import type { ProxyParts } from './build-proxies.ts';
import {
  createDnsResolver,
  Egress,
  lazyBlockList,
  parseCidrList,
  parsePortRanges,
  planBlocking,
} from './features/egress/index.ts';
import { type EgressDeps, EgressLog, type SessionEvents, type SessionService } from './features/sessions/index.ts';
import { openText, sealText } from './lib/sealed-text.ts';
import type { TypedEmitter } from './lib/typed-emitter.ts';
import type { Logger } from './platform/logger/logger.ts';
import { EgressMetrics } from './platform/metrics/egress-metrics.ts';
import { type Database, loadInstanceSecret } from './platform/postgres/index.ts';
import { type Settings, SettingsError } from './settings/load-settings.ts';

/** What sealed proxies of sessions are bound to: one cannot be put into another place of the database. */
const SEAL_CONTEXT = 'session-proxy';

type EgressSettings = Pick<
  Settings,
  'egressAllow' | 'egressDeny' | 'egressPorts' | 'egressProxyAllow' | 'egressProxyAuthorities' | 'egressDns'
>;

/** The value of one setting, read by `parse`. @throws {SettingsError} that says what is wrong with it */
function read<Value>(variable: string, text: string, parse: (text: string) => Value): Value {
  try {
    return parse(text);
  } catch (error) {
    throw new SettingsError([`${variable} ${error instanceof Error ? error.message : String(error)}`]);
  }
}

/** The authorities of a file, with those that are known anyway. @throws where there are none in it */
function readAuthorities(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('names a file without any certificate');
  createSecureContext({ ca: text });
  return [...getCACertificates('default'), text];
}

/** What sessions leave through; none of them reaches `ownPorts`, where this service listens. The caller must dispose it. @throws {SettingsError} */
export function buildEgress(settings: EgressSettings, ownPorts: ReadonlySet<number>, logger: Logger): Egress {
  const { egressAllow = '', egressDeny = '', egressPorts, egressProxyAllow = '', egressDns } = settings;
  const authorities = settings.egressProxyAuthorities;
  return new Egress({
    policy: {
      allow: read('EGRESS_ALLOW', egressAllow, parseCidrList),
      deny: read('EGRESS_DENY', egressDeny, parseCidrList),
      proxyAllow: read('EGRESS_PROXY_ALLOW', egressProxyAllow, parseCidrList),
      isOwnPort: (port) => ownPorts.has(port),
    },
    ports: read('EGRESS_PORTS', egressPorts, parsePortRanges),
    resolver:
      egressDns === undefined ? undefined : read('EGRESS_DNS', egressDns, (text) => createDnsResolver(text.split(','))),
    proxyAuthorities:
      authorities === undefined ? undefined : read('EGRESS_PROXY_AUTHORITIES', authorities, readAuthorities),
    logger,
  });
}

/** What sessions need to leave through it. `sessions` is asked for only once all is built. */
export async function buildSessionEgress(
  parts: {
    readonly egress: Egress;
    readonly proxies: Pick<ProxyParts, 'store'>;
    readonly db: Database;
    readonly sessions: () => SessionService;
    readonly events: TypedEmitter<SessionEvents>;
  },
  logger: Logger,
): Promise<EgressDeps> {
  const { egress, proxies, db, sessions, events } = parts;
  const key = await loadInstanceSecret(db, SEAL_CONTEXT);
  const getBlockList = lazyBlockList();
  const log = new EgressLog({ sessions, events, logger });
  return {
    find: (port) => egress.at(port),
    openProxy: (selection, scope) => proxies.store.open(selection, scope),
    findExit: (proxy, signal) => proxies.store.findExit(proxy, signal),
    planBlocking: (resources) => planBlocking(resources, getBlockList),
    seal: async (text) => (await sealText(text, { key, context: SEAL_CONTEXT })).toString('base64'),
    unseal: (sealed) => openText(Buffer.from(sealed, 'base64'), { keys: [key], context: SEAL_CONTEXT }),
    listener: (sessionId) => log.listenerFor(sessionId),
  };
}

/** Adds the metrics of what leaves to a registry. */
export function measureEgress(
  { egress, events }: { readonly egress: Egress; readonly events: TypedEmitter<SessionEvents> },
  registry: Registry,
): void {
  const metrics = new EgressMetrics(registry, () => egress.totals);
  events.on('egressRefused', ({ reason }) => metrics.recordRefusal(reason));
  events.on('egressFailed', ({ reason }) => metrics.recordFailure(reason));
}
