export { type EgressPolicy, findAddressRefusal } from './address-policy.ts';
export { type BlockingPlan, lazyBlockList, planBlocking } from './blocking/index.ts';
export { Egress, type EgressDeps } from './egress.ts';
export { EgressProxy } from './egress-proxy.ts';
export type {
  Destination,
  EgressFailure,
  EgressListener,
  EgressRefusal,
  EgressRules,
  Upstream,
  UpstreamSource,
} from './egress-rules.ts';
export { parseCidrList } from './ip-address.ts';
export { createDnsResolver } from './name-resolver.ts';
export { DEFAULT_PORTS, parsePortRanges } from './port-ranges.ts';
