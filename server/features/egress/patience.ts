/** For how long egress waits for what. Milliseconds. */
export interface Patience {
  /** Connections of a browser, for the rules of its session. */
  readonly holdMs: number;
  /** For the rest of a head that a browser has begun. */
  readonly headMs: number;
  /** After a last answer, for a browser to read it: what it still sends is thrown away. */
  readonly lingerMs: number;
  /** For another byte on a connection that one side has closed. */
  readonly halfOpenMs: number;
  /** For a site to take a connection. */
  readonly siteMs: number;
  /** For an upstream proxy to have connected. */
  readonly upstreamMs: number;
}

/** As long as a browser waits itself, or a little less. */
export const PATIENCE: Patience = {
  holdMs: 30_000,
  headMs: 60_000,
  lingerMs: 30_000,
  halfOpenMs: 60_000,
  siteMs: 30_000,
  upstreamMs: 10_000,
};
