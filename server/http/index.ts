export { clientSignal } from './client-signal.ts';
export { ConnectQuery, parseConnectQuery } from './connect-query.ts';
export { createHttpServer } from './http-server.ts';
export { allowNoBody } from './optional-body.ts';
export { refuseForeignOrigin } from './origin-guard.ts';
export { webSocketOrigin } from './request-origin.ts';
export { type HealthCheck, serviceRoutes } from './service-routes.ts';
export { answerWithStream } from './stream-answer.ts';
export { compileCheck } from './validation.ts';
