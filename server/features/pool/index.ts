export { Admission } from './admission.ts';
export { type AcquiredBrowser, WarmPool } from './warm-pool.ts';
