export { meetsConstraints } from './meets-constraints.ts';
