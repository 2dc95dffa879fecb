export { realtimeDocument } from './async-api.ts';
export { type CallAccess, guardedHandlers } from './guarded-handlers.ts';
export { RealtimeGateway } from './realtime-gateway.ts';
export { REALTIME_LIMITS } from './realtime-limits.ts';
export { type RealtimeHandlers, realtimeHandlers } from './realtime-methods.ts';
export { realtimeRoutes } from './realtime-routes.ts';
export { type AnsweredCall, REALTIME_PATH, RpcDispatcher } from './rpc-dispatcher.ts';
