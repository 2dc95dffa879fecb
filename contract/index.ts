export { Cookie, CookieInput, CookieList, SetCookies } from './cookie.ts';
export {
  BROWSER_BRANDS,
  ClientHints,
  COHERENCE_RULES,
  CoherenceFault,
  CoherenceRuleId,
  DEVICE_CLASSES,
  DeviceClass,
  Fingerprint,
  FINGERPRINT_SCHEMA,
  FingerprintConstraints,
  GeolocationAnswer,
  GPU_MAKERS,
  GpuMaker,
  OS_FAMILIES,
  OsFamily,
  SpeechVoice,
  WEBRTC_POLICIES,
} from './fingerprint.ts';
export { ALLOWED_LAUNCH_FLAGS, launchFlagName } from './launch-flags.ts';
export { Input, InputAction, InputResult } from './input.ts';
export {
  Execute,
  ExecuteResult,
  Navigate,
  NavigateResult,
  PAGE_TIMEOUT_MS,
  PageContent,
  Pdf,
  Screenshot,
} from './page.ts';
export { Problem, type ProblemCode, ProblemExtensions, ProblemKind, PROBLEMS, problemType } from './problem.ts';
export {
  EncodedFile,
  REALTIME_METHODS,
  REALTIME_NOTIFICATIONS,
  type RealtimeMethodName,
  type RealtimeNotificationName,
  type RealtimeNotificationParams,
  type RealtimeParams,
  type RealtimeResult,
  RpcError,
} from './realtime.ts';
export { Health, Liveness, Status } from './service.ts';
export {
  CreateSession,
  Geolocation,
  ListSessionsQuery,
  Metadata,
  Session,
  SESSION_DEFAULTS,
  SessionIdentity,
  SessionList,
  SessionUsage,
  UNAVAILABLE_CREATE_OPTIONS,
  UpdateSession,
  Viewport,
} from './session.ts';
export {
  CLOSE_REASONS,
  CloseReason,
  ListEventsQuery,
  RECYCLE_MODES,
  RecycleMode,
  SESSION_STATES,
  SessionEvent,
  SessionEventList,
  SessionEventType,
  SessionState,
  STEALTH_LEVELS,
  StealthLevel,
} from './session-lifecycle.ts';
