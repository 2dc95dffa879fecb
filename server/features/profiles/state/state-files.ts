/**
 * What of a user-data directory is worth keeping: what sites have stored and what a person would miss. All else is left behind:
 * caches, the browser's own statistics and models, and the session files, as no tabs are restored.
 *
 * It is a list of what is taken and not of what is left, so that nothing gets in that nobody has looked at; the same list says what
 * an imported file may contain.
 */
const KEPT_DIRECTORIES = [
  'File System',
  'IndexedDB',
  'Local Extension Settings',
  'Local Storage',
  'Service Worker',
  'Shared Storage',
  'Sync Extension Settings',
  'WebStorage',
  'databases',
];

const KEPT_FILES = [
  'Bookmarks',
  'Cookies',
  'History',
  'InterestGroups',
  'Login Data',
  'Network Persistent State',
  'SharedStorage',
  'TransportSecurity',
  'Web Data',
];

/** Can be fetched or computed again, and often is most of it. */
const CACHE_DIRECTORIES = ['Cache', 'Code Cache', 'Shared Dictionary'];

/** The one profile of a user-data directory. */
const PROFILE = 'Default';
const PREFERENCES = `${PROFILE}/Preferences`;
const COOKIE_FILES = /^Default\/Cookies(-journal|-wal|-shm)?$/;
/** A database's log for people, and the lock of whoever has it open. */
const NOT_CONTENT = new Set(['LOCK', 'LOG', 'LOG.old']);
const DATABASE_COMPANION = /-(journal|wal|shm)$/;
const MAX_PATH_LENGTH = 1_024;

function isPlainPath(path: string): boolean {
  if (path.length > MAX_PATH_LENGTH || /[\0\\]/.test(path)) return false;
  return path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}

/** Whether a file of a user-data directory, by its path below it with `/`, belongs to the state of a profile. */
export function isKept(path: string, options: { readonly includeCache: boolean }): boolean {
  if (!isPlainPath(path)) return false;
  const [profile, name = '', ...below] = path.split('/');
  if (profile !== PROFILE) return false;
  if (below.length === 0) return path === PREFERENCES || KEPT_FILES.includes(name.replace(DATABASE_COMPANION, ''));
  if (NOT_CONTENT.has(below.at(-1) ?? '')) return false;
  return KEPT_DIRECTORIES.includes(name) || (options.includeCache && CACHE_DIRECTORIES.includes(name));
}

/** Whether nothing below a directory can be kept, so that it need not be looked into. */
export function isLeftWhole(path: string, options: { readonly includeCache: boolean }): boolean {
  const [profile, name] = path.split('/');
  if (profile !== PROFILE) return true;
  if (name === undefined) return false;
  return !KEPT_DIRECTORIES.includes(name) && !(options.includeCache && CACHE_DIRECTORIES.includes(name));
}

/** Whether it is the browser's own record of cookies. */
export function isCookieFile(path: string): boolean {
  return COOKIE_FILES.test(path);
}

/** Whether it is the file of preferences, of which only a part is kept. */
export function isPreferences(path: string): boolean {
  return path === PREFERENCES;
}

type Json = Readonly<Record<string, unknown>>;

/** Preferences that are a state of the profile: what sites may do, and how large they are shown. */
const KEPT_PREFERENCES = [
  ['profile', 'content_settings'],
  ['partition', 'per_host_zoom_levels'],
];

function pick(from: unknown, [name, ...below]: readonly string[]): unknown {
  if (name === undefined) return from;
  const inner = typeof from === 'object' && from !== null ? (from as Json)[name] : undefined;
  const picked = inner === undefined ? undefined : pick(inner, below);
  return picked === undefined ? undefined : { [name]: picked };
}

/**
 * The part of the preferences that is kept, as their file. The rest says where downloads go, which extensions run and which
 * proxy is used: what the service decides, and no file may.
 */
export function keptPreferences(text: string): string {
  let all: unknown;
  try {
    all = JSON.parse(text);
  } catch {
    return '{}';
  }
  return JSON.stringify(Object.assign({}, ...KEPT_PREFERENCES.map((path) => pick(all, path) ?? {})));
}
