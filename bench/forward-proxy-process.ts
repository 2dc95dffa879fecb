import type { BlockResources } from '@guise/contract';
import { Server as ProxyChainServer } from 'proxy-chain';

import {
  DEFAULT_PORTS,
  Egress,
  lazyBlockList,
  parseCidrList,
  parsePortRanges,
  planBlocking,
} from '../server/features/egress/index.ts';
import { silentLogger } from '../server/platform/logger/logger.ts';
import type { ForwardProxyKind } from './forward-proxy.ts';

/** A process that is a forward proxy of the kind it is told, until its parent is gone. */
async function openEgress(blocked: BlockResources): Promise<number> {
  const policy = { allow: parseCidrList('127.0.0.0/8'), deny: [], proxyAllow: [] };
  const egress = new Egress({ policy, ports: parsePortRanges(DEFAULT_PORTS), logger: silentLogger });
  const proxy = await egress.open();
  const nothing = (): void => undefined;
  const rules = {
    upstreams: undefined,
    allowedDomains: undefined,
    blockedDomains: [],
    findBlocked: planBlocking(blocked, lazyBlockList()).findBlocked,
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

const OPEN: Readonly<Record<ForwardProxyKind, () => Promise<number>>> = {
  egress: () => openEgress([]),
  'blocking egress': () => openEgress(['ads', 'trackers']),
  'proxy-chain': openProxyChain,
};

const port = await OPEN[process.argv[2] as ForwardProxyKind]();
process.send?.({ port });
process.once('disconnect', () => process.exit(0));
