import type { IncomingMessage } from 'node:http';

import type { ClusterParts } from './build-cluster.ts';
import { apiKeyCheck, refuseForeignOrigin, upgradeOrigin } from './http/index.ts';
import type { Settings } from './settings/load-settings.ts';

/** Who may ask this server, and where those reach it. */
export interface Access {
  /** What the HTTP server is made with. */
  readonly http: {
    readonly refusesForeignOrigins: boolean;
    readonly trustedProxies: string | undefined;
    readonly check: ((request: IncomingMessage) => void) | undefined;
  };
  /** Refuses a request to change protocol by throwing {AppError}. */
  readonly checkUpgrade: (request: IncomingMessage) => void;
  /** Where the client of such a request reaches this service. */
  readonly originOf: (request: IncomingMessage) => string;
}

/** The development server keeps web pages out; the cloud server lets in who has a key, and other nodes. */
export function buildAccess(
  { mode, apiKeys = '', trustedProxies }: Pick<Settings, 'mode' | 'apiKeys' | 'trustedProxies'>,
  cluster: Pick<ClusterParts, 'signature'> | undefined,
): Access {
  if (mode === 'development') {
    return {
      http: { refusesForeignOrigins: true, trustedProxies: undefined, check: undefined },
      checkUpgrade: refuseForeignOrigin,
      originOf: upgradeOrigin(undefined),
    };
  }
  const checkKey = apiKeyCheck(apiKeys);
  // The node that has passed it on has checked it.
  const check = (request: IncomingMessage): void => {
    if (cluster?.signature.verify(request) === undefined) checkKey(request);
  };
  return {
    http: { refusesForeignOrigins: false, trustedProxies, check },
    checkUpgrade: check,
    originOf: upgradeOrigin(trustedProxies),
  };
}
