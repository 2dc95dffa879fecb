/**
 * Why a warm browser was ended in place of being handed out. `surplus`: its kind has more than its share; `abandoned`: who
 * was to have it went away while it was made ready.
 */
export type WarmEnd = 'aged' | 'surplus' | 'pressure' | 'dead' | 'abandoned' | 'shutdown';

/** What happens in the warm pool, for those who only watch: metrics, for one. */
export interface PoolEvents {
  /**
   * A browser was asked for, of a kind of that name. `unfit` and `pinned`: no warm browser could have been it, whatever the pool
   * held; see `BrowserRequest`.
   */
  readonly claimed: { readonly outcome: 'hit' | 'miss' | 'unfit' | 'pinned'; readonly kind: string };
  readonly ended: { readonly reason: WarmEnd };
}
