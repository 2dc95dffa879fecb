import type { BrowserHost } from './browser/index.ts';
import { meetsConstraints } from './features/identity/index.ts';
import type { IdentityRules } from './features/profiles/index.ts';
import type { Identities } from './features/sessions/index.ts';
import { AppError } from './lib/app-error.ts';

/** What this node's browsers can be made to appear as. */
export function buildIdentities({ version }: BrowserHost): Identities & IdentityRules {
  const refuse = (): never => {
    throw new AppError('OPTION_NOT_AVAILABLE', `Fingerprints are not available in this version (Chromium ${version})`, {
      extensions: { errors: [{ path: '/stealthLevel', message: 'none and basic are available' }] },
    });
  };
  return {
    generate: refuse,
    meets: meetsConstraints,
    override: refuse,
    findFaults: refuse,
    compile: refuse,
    repair: refuse,
    updateBrowserVersion: refuse,
  };
}
