import { createDnsResolver, Egress, parseCidrList, parsePortRanges } from './features/egress/index.ts';
import type { Logger } from './platform/logger/logger.ts';
import { type Settings, SettingsError } from './settings/load-settings.ts';

type EgressSettings = Pick<
  Settings,
  'egressAllow' | 'egressDeny' | 'egressPorts' | 'egressProxyAllow' | 'egressDns' | 'port' | 'cdpPortBase' | 'cdpPortCount'
>;

/** The value of one setting, read by `parse`. @throws {SettingsError} that says what is wrong with it */
function read<Value>(variable: string, text: string, parse: (text: string) => Value): Value {
  try {
    return parse(text);
  } catch (error) {
    throw new SettingsError([`${variable} ${error instanceof Error ? error.message : String(error)}`]);
  }
}

/** What sessions leave through. The caller must dispose it. @throws {SettingsError} */
export function buildEgress(settings: EgressSettings, logger: Logger): Egress {
  const { egressAllow = '', egressDeny = '', egressPorts, egressProxyAllow = '', egressDns } = settings;
  const { port, cdpPortBase, cdpPortCount } = settings;
  const isDebuggingPort = (each: number): boolean => each >= cdpPortBase && each < cdpPortBase + cdpPortCount;
  return new Egress({
    policy: {
      allow: read('EGRESS_ALLOW', egressAllow, parseCidrList),
      deny: read('EGRESS_DENY', egressDeny, parseCidrList),
      proxyAllow: read('EGRESS_PROXY_ALLOW', egressProxyAllow, parseCidrList),
      isOwnPort: (each) => each === port || (cdpPortBase > 0 && isDebuggingPort(each)),
    },
    ports: read('EGRESS_PORTS', egressPorts, parsePortRanges),
    resolver:
      egressDns === undefined ? undefined : read('EGRESS_DNS', egressDns, (text) => createDnsResolver(text.split(','))),
    logger,
  });
}
