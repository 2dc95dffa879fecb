import type { ProbeResult } from './probe-run.ts';
import type { DetectorReport } from './probe-site.ts';
import { findIncoherence } from './analysis/coherence.ts';
import { compareHeaderOrder, compareHeaders, listUnseenRequests } from './analysis/compare-headers.ts';
import { compareProfile } from './analysis/compare-profile.ts';
import { compareRealms, listTampering, listTraces } from './analysis/compare-realms.ts';
import { describeFindings } from './findings.ts';
import type { Seen } from './visit.ts';

/** Realms that this system's browser does not have; whatever else is absent is a fault. */
function isRightlyAbsent(realm: string, seen: Seen): boolean {
  return realm === 'shared worker' && seen.fingerprint?.os === 'android';
}

function listMissingRealms({ probe, ...rest }: Seen): string[] {
  const absent = [...probe.absent].filter(([realm]) => !isRightlyAbsent(realm, { probe, ...rest }));
  return [
    ...probe.silent.map((realm) => `${realm} said nothing`),
    ...absent.map(([realm, reason]) => `${realm} could not be made: ${reason}`),
  ];
}

function listDetections({ fpscanner }: DetectorReport): string[] {
  return 'error' in fpscanner ? [`fpscanner failed: ${fpscanner.error}`] : [...fpscanner.detected];
}

const found = (find: (probe: ProbeResult) => Parameters<typeof describeFindings>[0]) => (seen: Seen) =>
  describeFindings(find(seen.probe));

interface Expectation {
  /** What the test is called: a sentence about the browser. */
  readonly title: string;
  /** What speaks against it, as lines to read; `control` is the probe of a browser that nobody drives. */
  readonly against: (seen: Seen, control: ProbeResult) => readonly string[];
}

/** Each promise of an identity, as something that can be refuted. */
export const EXPECTATIONS: readonly Expectation[] = [
  { title: 'answers from every realm', against: listMissingRealms },
  { title: 'says the same in every realm', against: found(compareRealms) },
  { title: 'sends in its headers what its scripts say', against: found(compareHeaders) },
  {
    title: 'sends headers in the order of Chromium',
    against: ({ probe }, control) => describeFindings(compareHeaderOrder(probe, control)),
  },
  { title: 'makes requests of every kind', against: found(listUnseenRequests) },
  {
    title: 'is what its profile says',
    against: ({ probe, fingerprint }) =>
      fingerprint === undefined
        ? ['The session names no fingerprint']
        : describeFindings(compareProfile(probe, fingerprint)),
  },
  { title: 'says nothing that contradicts itself', against: found(findIncoherence) },
  { title: 'has every native in its place', against: found(listTampering) },
  { title: 'shows no debugger', against: found(listTraces) },
  {
    title: 'is human to BotD',
    against: ({ detectors: { botd } }) => ('bot' in botd && !botd.bot ? [] : [JSON.stringify(botd)]),
  },
  { title: 'gives fpscanner nothing to find', against: ({ detectors }) => listDetections(detectors) },
];
