import type { WarmClass } from './warm-class.ts';

/**
 * Why a warm browser was ended in place of being handed out. `surplus`: its class has more than its share; `abandoned`: who
 * was to have it went away while it was made ready.
 */
export type WarmEnd = 'aged' | 'surplus' | 'pressure' | 'dead' | 'abandoned' | 'shutdown';

/** What happens in the warm pool, for those who only watch: metrics, for one. */
export interface PoolEvents {
  /** A browser was asked for. `unfit`: no warm browser could have been it, whatever the pool held. */
  readonly claimed: { readonly outcome: 'hit' | 'miss' | 'unfit'; readonly warmClass: WarmClass };
  readonly ended: { readonly reason: WarmEnd };
}
