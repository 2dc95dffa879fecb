export { Admission } from './admission.ts';
export { MemoryBudget } from './memory-budget.ts';
export type { PoolEvents } from './pool-events.ts';
export { hasWindow, WARM_CLASSES } from './warm-class.ts';
export { WarmPool } from './warm-pool.ts';
