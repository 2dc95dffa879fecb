import type { CoherenceRuleId, Fingerprint } from '@guise/contract';

import type { Host } from '../host-limits.ts';

/** Where and by what a fingerprint is to be worn. */
export interface CoherenceContext {
  /** Full version of the browser that is to wear it. */
  readonly browserVersion: string;
  /** Given where browsers tell what the machine has, whatever the fingerprint says. */
  readonly host?: Host | undefined;
  /** The proxy of the session, with what its check has found; absent: none. */
  readonly proxy?: ProxyFacts | undefined;
  /** Whether another profile leaves by the same proxy and may not. */
  readonly sharesProxy?: boolean | undefined;
  /** Whether another session wears the profile. */
  readonly isLocked?: boolean | undefined;
}

/** What is known of a proxy; what is not known is not looked at. */
export interface ProxyFacts {
  /** Of its exit, ISO 3166-1 alpha-2. */
  readonly country?: string | undefined;
  /** Of its exit, IANA name. */
  readonly timezone?: string | undefined;
  readonly hasUdp?: boolean | undefined;
}

/** One place where a fingerprint breaks a rule. */
export interface Finding {
  /** JSON Pointer. */
  readonly path: string;
  /** What is wrong. */
  readonly message: string;
  /** What would mend it. */
  readonly repair: string;
}

/** One way in which the values of a fingerprint have to agree. */
export interface CoherenceRule {
  readonly id: CoherenceRuleId;
  readonly name: string;
  /** Why a site notices when the rule is broken. */
  readonly why: string;
  /** Pure. */
  readonly find: (fingerprint: Fingerprint, context: CoherenceContext) => readonly Finding[];
  /**
   * The fingerprint changed so that the rule holds; asked for only where it is broken. Absent: what is wrong is not in the
   * fingerprint. Pure.
   */
  readonly mend?: (fingerprint: Fingerprint, context: CoherenceContext) => Fingerprint;
}

/** A value that has to be another. */
interface Expectation {
  readonly path: string;
  readonly actual: unknown;
  readonly expected: unknown;
}

function toText(value: unknown): string {
  return JSON.stringify(value);
}

/** A finding for each value that is not the one expected; lists and objects are compared by what they hold, in order. */
export function compare(expectations: readonly Expectation[]): Finding[] {
  return expectations
    .filter(({ actual, expected }) => toText(actual) !== toText(expected))
    .map(({ path, actual, expected }) => ({
      path,
      message: `is ${toText(actual)}, where ${toText(expected)} belongs`,
      repair: `set it to ${toText(expected)}`,
    }));
}

/** A finding where a statement is false. */
export function demand(isTrue: boolean, finding: Finding): Finding[] {
  return isTrue ? [] : [finding];
}
