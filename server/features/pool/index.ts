export { Admission } from './admission.ts';
export { WarmPool } from './warm-pool.ts';
