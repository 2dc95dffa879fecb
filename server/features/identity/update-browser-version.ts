import type { Fingerprint } from '@guise/contract';

import { versionedParts } from './platform-facts.ts';

/** The same identity in a browser of another version, such as the one that now runs. `version` is a full one. Pure. */
export function updateBrowserVersion(fingerprint: Fingerprint, version: string): Fingerprint {
  return { ...fingerprint, ...versionedParts(fingerprint, version) };
}
