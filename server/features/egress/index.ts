export type {
  Destination,
  EgressFailure,
  EgressListener,
  EgressRefusal,
  EgressRules,
  Upstream,
  UpstreamSource,
} from './egress-rules.ts';
