export { USUAL_BROWSER } from './create-options.ts';
export type { LiveSession, SessionClient } from './live-session.ts';
export { pageRoutes } from './page-routes.ts';
export type { SessionEvents } from './session-events.ts';
export { SessionRepository } from './session-repository.ts';
export { sessionRoutes } from './session-routes.ts';
export { type SessionPort, SessionService } from './session-service.ts';
export { SessionTokens } from './session-tokens.ts';
export { SessionView } from './session-view.ts';
