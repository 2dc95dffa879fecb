import { ConnectionRefused } from './egress-problem.ts';
import type { EgressRules, Upstream } from './egress-rules.ts';
import { findDomain } from './host-name.ts';

/** Why a session's own rules refuse a canonical host now; undefined if they do not. */
export function findRuleRefusal(host: string, rules: EgressRules): ConnectionRefused | undefined {
  if (rules.isQuotaSpent === true) {
    return new ConnectionRefused('traffic_quota', 'The key of the session has used up its traffic of this month');
  }
  const blocked = findDomain(host, rules.blockedDomains);
  if (blocked !== undefined) return new ConnectionRefused('domain', `The session blocks ${blocked}`);
  if (rules.allowedDomains !== undefined && findDomain(host, rules.allowedDomains) === undefined) {
    return new ConnectionRefused('domain', 'It is not among the domains that the session allows');
  }
  const kind = rules.findBlocked?.(host);
  return kind === undefined ? undefined : new ConnectionRefused(kind, `The session blocks ${kind}`);
}

function isSame(one: Upstream, other: Upstream): boolean {
  return (
    one.protocol === other.protocol &&
    one.host === other.host &&
    one.port === other.port &&
    one.username === other.username &&
    one.password === other.password
  );
}

/** Whether a connection that leaves through this upstream (undefined: directly) leaves as the rules say. */
export function leavesAsRuled(upstream: Upstream | undefined, { upstreams }: EgressRules): boolean {
  if (upstream === undefined || upstreams === undefined) return upstream === upstreams;
  return upstreams.choose().some((each) => isSame(each, upstream));
}
