export type { CoherenceContext } from './coherence/coherence-rule.ts';
export { findFaults, repairFingerprint } from './coherence/find-faults.ts';
export type { Device, Gpu, MediaCounts, OsVersion } from './device-population.ts';
export { generateFingerprint } from './generate-fingerprint.ts';
export { compileIdentity, type IdentityHost, makeScriptTokens } from './launch-plan/compile-identity.ts';
export { openFontSets } from './launch-plan/font-sets.ts';
export { meetsConstraints } from './meets-constraints.ts';
export { overrideFingerprint } from './override-fingerprint.ts';
export { updateBrowserVersion } from './update-browser-version.ts';
