export { Cookie, CookieInput, CookieList, SetCookies } from './cookie.ts';
export { EgressFailureReason, RefusalReason, SessionTraffic } from './egress.ts';
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
export {
  BulkProfiles,
  BulkResult,
  CreateProfile,
  DuplicateProfile,
  ExportProfileQuery,
  GenerateFingerprint,
  GeneratedFingerprint,
  ImportProfileQuery,
  ImportResult,
  ListProfilesQuery,
  MAX_BULK_PROFILES,
  Profile,
  PROFILE_FILE_TYPE,
  ProfileList,
  ProfileState,
  ProfileStateList,
  RestoreState,
  SetProfileCookies,
  UpdateProfile,
  ValidateFingerprint,
  ValidateProfile,
  Validation,
} from './profile.ts';
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
export { BLOCKABLE_RESOURCES, ProxyRotation, SessionProxy, SessionWarning } from './session-egress.ts';
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
