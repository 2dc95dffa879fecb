import type { CoherenceFault, Fingerprint, FingerprintConstraints } from '@guise/contract';

/** What profiles need to know of identities: made, judged and mended for the browser that runs here. */
export interface IdentityRules {
  /** The same constraints with a seed give the same. @throws {AppError} VALIDATION_FAILED for what cannot be met */
  generate(constraints: FingerprintConstraints): Fingerprint;
  findFaults(fingerprint: Fingerprint): CoherenceFault[];
  repair(fingerprint: Fingerprint): Fingerprint;
  /** Moves a fingerprint to the version of the browser that runs here, and leaves all else. */
  updateBrowserVersion(fingerprint: Fingerprint): Fingerprint;
}
