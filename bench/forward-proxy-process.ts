import { Server as ProxyChainServer } from 'proxy-chain';

import { DEFAULT_PORTS, Egress, parseCidrList, parsePortRanges } from '../server/features/egress/index.ts';
import { silentLogger } from '../server/platform/logger/logger.ts';

/** A process that is a forward proxy of the kind it is told, until its parent is gone. */
async function openEgress(): Promise<number> {
  const policy = { allow: parseCidrList('127.0.0.0/8'), deny: [], proxyAllow: [] };
  const egress = new Egress({ policy, ports: parsePortRanges(DEFAULT_PORTS), logger: silentLogger });
  const proxy = await egress.open();
  const nothing = (): void => undefined;
  const rules = {
    upstreams: undefined,
    allowedDomains: undefined,
    blockedDomains: [],
    findBlocked: undefined,
    trafficLimitBytes: null,
  };
  proxy.configure(rules, { refused: nothing, failed: nothing });
  return proxy.port;
}

async function openProxyChain(): Promise<number> {
  const server = new ProxyChainServer({ port: 0, host: '127.0.0.1' });
  await server.listen();
  return server.port;
}

const port = await (process.argv[2] === 'egress' ? openEgress() : openProxyChain());
process.send?.({ port });
process.once('disconnect', () => process.exit(0));
