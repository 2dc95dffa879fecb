export type { Device, Gpu, MediaCounts, OsVersion } from './device-population.ts';
export type { GenerationContext } from './generate-fingerprint.ts';
export { generateFingerprint } from './generate-fingerprint.ts';
