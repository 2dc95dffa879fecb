export { lazyBlockList } from './block-list.ts';
export { planBlocking, type BlockingPlan } from './plan-blocking.ts';
