import type { KeyRole } from '@guise/contract';

/**
 * Who may do something. `anybody`: no key is needed; `insider`: a key of any role, or an address from which no key is needed.
 */
type Access = 'anybody' | 'insider' | KeyRole;

/** What is asked of who does something, and whether it is written to the audit trail when it was done. */
export interface OperationRule {
  readonly access: Access;
  readonly isAudited: boolean;
}

const read = (access: Access): OperationRule => ({ access, isAudited: false });
const change = (access: Access): OperationRule => ({ access, isAudited: true });

/** Every operation, by its operationId. What is not here takes an admin, and a test looks for it. */
const RULES: Readonly<Record<string, OperationRule>> = {
  getHealth: read('anybody'),
  getReadiness: read('anybody'),
  getLiveness: read('anybody'),
  getProblemKind: read('anybody'),
  getOpenApi: read('anybody'),
  getAsyncApi: read('anybody'),
  getStatus: read('insider'),
  getMetrics: read('insider'),

  listSessions: read('viewer'),
  getSession: read('viewer'),
  listSessionEvents: read('viewer'),
  createSession: change('user'),
  createSessionAlias: change('user'),
  updateSession: change('user'),
  endSession: change('user'),
  keepSessionAlive: change('user'),
  executeScript: change('user'),
  navigate: change('user'),
  sendInput: change('user'),
  takeScreenshot: read('user'),
  printPdf: read('user'),
  getContent: read('user'),
  // Cookies are as good as passwords: that somebody had them is worth knowing.
  listCookies: change('user'),
  replaceCookies: change('user'),

  listProfiles: read('viewer'),
  getProfile: read('viewer'),
  listProfileStates: read('viewer'),
  validateFingerprint: read('viewer'),
  generateFingerprint: change('user'),
  validateProfile: change('user'),
  createProfile: change('user'),
  updateProfile: change('user'),
  deleteProfile: change('user'),
  duplicateProfile: change('user'),
  bulkProfiles: change('user'),
  unlockProfile: change('user'),
  updateProfileBrowserVersion: change('user'),
  restoreProfileState: change('user'),
  exportProfile: change('user'),
  importProfile: change('user'),
  getProfileCookies: change('user'),
  replaceProfileCookies: change('user'),

  listProxies: read('viewer'),
  getProxy: read('viewer'),
  listProxyGroups: read('viewer'),
  createProxy: change('user'),
  updateProxy: change('user'),
  deleteProxy: change('user'),
  checkProxy: change('user'),

  listApiKeys: read('admin'),
  getApiKey: read('admin'),
  createApiKey: change('admin'),
  updateApiKey: change('admin'),
  revokeApiKey: change('admin'),
  listAudit: read('admin'),

  // Takes the token of the session, not a key.
  connectCdp: read('anybody'),
  // Take the signature of another node.
  getNode: read('anybody'),
  callNode: read('anybody'),
  // Addresses that speak WebSocket. What is done over the second has rules of its own.
  connectSession: change('user'),
  connectRealtime: read('viewer'),
  subscribe: read('viewer'),
  unsubscribe: read('viewer'),
  cancel: read('viewer'),
};

/** Methods of the real-time interface that are an operation of REST. */
const METHODS: Readonly<Record<string, string>> = {
  'session.create': 'createSession',
  'session.get': 'getSession',
  'session.list': 'listSessions',
  'session.update': 'updateSession',
  'session.end': 'endSession',
  'session.keepAlive': 'keepSessionAlive',
  'session.execute': 'executeScript',
  'session.navigate': 'navigate',
  'session.screenshot': 'takeScreenshot',
  'session.pdf': 'printPdf',
  'session.input': 'sendInput',
  'session.content': 'getContent',
  'session.getCookies': 'listCookies',
  'session.setCookies': 'replaceCookies',
  'session.events': 'listSessionEvents',
};

/** What is asked of who does this; undefined: nobody has decided. */
export function findRule(operationId: string): OperationRule | undefined {
  return Object.hasOwn(RULES, operationId) ? RULES[operationId] : undefined;
}

/** What is asked of who does this: an admin where nobody has decided. */
export function ruleOf(operationId: string): OperationRule {
  return findRule(operationId) ?? change('admin');
}

/** The operation that a method of the real-time interface is. */
export function operationOf(method: string): string {
  return METHODS[method] ?? method;
}
