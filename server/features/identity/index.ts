export type { CoherenceContext } from './coherence/coherence-rule.ts';
export { findFaults, repairFingerprint } from './coherence/find-faults.ts';
export type { Device, Gpu, MediaCounts, OsVersion } from './device-population.ts';
export { generateFingerprint, type GenerationContext } from './generate-fingerprint.ts';
export {
  compileIdentity,
  type CompileOptions,
  type IdentityHost,
  makeScriptTokens,
  type ScriptTokens,
} from './launch-plan/compile-identity.ts';
export { type FontSets, openFontSets } from './launch-plan/font-sets.ts';
export { meetsConstraints } from './meets-constraints.ts';
export { type FingerprintOverrides, overrideFingerprint } from './override-fingerprint.ts';
export { updateBrowserVersion } from './update-browser-version.ts';
