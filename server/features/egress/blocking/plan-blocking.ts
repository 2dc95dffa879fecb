import type { BlockResources } from '@guise/contract';

import type { BlockedType } from '../../../browser/index.ts';
import type { EgressRules } from '../egress-rules.ts';
import type { BlockList } from './block-list.ts';

/** Who blocks what of a session's `blockResources`. */
export interface BlockingPlan {
  /** For its egress; undefined: nothing is blocked by host. */
  readonly findBlocked: EgressRules['findBlocked'];
  /** For its browser: `BrowserSpec.blockedTypes`, or `Browser.setBlockedTypes` on one that runs. */
  readonly blockedTypes: readonly BlockedType[];
}

/** @param getBlockList called only when the plan needs a list */
export function planBlocking(resources: BlockResources, getBlockList: () => BlockList): BlockingPlan {
  const blocked = new Set(resources);
  const blockedTypes = (['images', 'media', 'fonts'] as const).filter((type) => blocked.has(type));
  if (!blocked.has('ads') && !blocked.has('trackers')) return { findBlocked: undefined, blockedTypes };
  const list = getBlockList();
  const findBlocked = (host: string): 'ads' | 'trackers' | undefined => {
    const kind = list.find(host);
    return kind !== undefined && blocked.has(kind) ? kind : undefined;
  };
  return { findBlocked, blockedTypes };
}
