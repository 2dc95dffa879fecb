import type { EgressFailureReason, RefusalReason } from '@guise/contract';

/** An upstream proxy as it is dialled. */
export interface Upstream {
  /** `socks5`: names are resolved here, and their addresses held to the policy; `socks5h`: by the proxy. */
  readonly protocol: 'http' | 'https' | 'socks5' | 'socks5h';
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** The stored proxy that it is; undefined for one given by its URL. */
  readonly proxyId?: string | undefined;
}

/** Where a session's connections leave: through one proxy, or through those of a group in turn. */
export interface UpstreamSource {
  /** The proxies to try for a new connection, best first; never empty. Cheap: called for each. */
  choose(): readonly Upstream[];
  /** Tells how it went with one, for the choices to come. Must not throw. */
  report(upstream: Upstream, outcome: 'connected' | EgressFailureReason): void;
}

/** Host and port a browser asks for, the host as Chromium writes it: lower case, IPv6 without brackets. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** A connection or request that was refused. */
export interface EgressRefusal extends Destination {
  readonly reason: RefusalReason;
  /** In words, for people: what address it was, which rule. */
  readonly why: string;
}

/** A connection that was allowed and did not come about. */
export interface EgressFailure extends Destination {
  /** What the system calls it, such as ECONNREFUSED. */
  readonly code?: string | undefined;
  readonly reason: EgressFailureReason;
  /** In words, for people; without any credential. */
  readonly why: string;
}

/** What one session's connections are held to, beside the policy of the node. */
export interface EgressRules {
  /** undefined: they leave directly. */
  readonly upstreams: UpstreamSource | undefined;
  /** Only these and what is below them; undefined: all. `*.example.com` is only what is below. Addresses may stand here too. */
  readonly allowedDomains: readonly string[] | undefined;
  readonly blockedDomains: readonly string[];
  /** Whether a host serves ads or trackers that are to be blocked; undefined: nothing is. Cheap. */
  readonly findBlocked: ((host: string) => 'ads' | 'trackers' | undefined) | undefined;
  /** null: none. Counted over both directions. */
  readonly trafficLimitBytes: number | null;
  /** Whether whoever owns the session has used up what all their sessions may move. */
  readonly isQuotaSpent?: boolean | undefined;
}

/** Who is told what happens to a session's connections. None may throw. */
export interface EgressListener {
  refused(refusal: EgressRefusal): void;
  failed(failure: EgressFailure): void;
}
