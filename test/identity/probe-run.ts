import type { IncomingHttpHeaders } from 'node:http';

import type { Realm } from './realms.ts';

/** A value a realm has read; page/values.js has them all. */
export type RealmValue =
  string | number | boolean | null | readonly RealmValue[] | { readonly [key: string]: RealmValue };

/** What a realm has told. */
export interface RealmReport {
  readonly values: Readonly<Record<string, RealmValue>>;
  /** Signs that something native was replaced. */
  readonly tampered: readonly string[];
  /** Signs that a debugger listens. */
  readonly traces: readonly string[];
}

/** Why a realm could not be made, where the browser does not have such. */
export interface AbsentRealm {
  readonly absent: string;
}

/** A request as it came in. */
export interface ProbeRequest {
  readonly realm: string;
  /** Such as `document`, `script`, `report`, `beacon`. */
  readonly kind: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Names of the headers as they came, in order. */
  readonly headerNames: readonly string[];
}

/** All that one visit of a browser to the probe has shown. */
export interface ProbeResult {
  readonly tree: Realm;
  readonly reports: ReadonlyMap<string, RealmReport>;
  readonly absent: ReadonlyMap<string, string>;
  /** Realms that neither told anything nor said why not. */
  readonly silent: readonly string[];
  readonly requests: readonly ProbeRequest[];
  /** Families that were looked for. */
  readonly families: readonly string[];
}

/** Something that does not hold together, in words. */
export interface Finding {
  readonly realm: string;
  readonly field: string;
  readonly text: string;
}
