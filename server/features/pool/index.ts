export { Admission, type AdmissionRequest, type Place, type SessionPlaces } from './admission.ts';
export type { BrowserKind, BrowserRequest } from './browser-kind.ts';
export { MemoryBudget } from './memory-budget.ts';
export type { PoolEvents } from './pool-events.ts';
export { WarmPool } from './warm-pool.ts';
export { PRIORITY_STEP_MS, PROMISED_PRIORITY } from './waiting-line.ts';
