import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';

/** How long a reading is good for. Milliseconds. */
const READING_AGE_MS = 1_000;

/** Gives the text of a file, or undefined where it cannot be read. */
export type ReadText = (path: string) => string | undefined;

/** A cgroup that limits the memory of this process, by its folder. */
interface MemoryCgroup {
  readonly version: 1 | 2;
  readonly folder: string;
}

/** One mount of a cgroup hierarchy: what part of the hierarchy is seen where. */
interface CgroupMount {
  readonly version: 1 | 2;
  readonly root: string;
  readonly mountPoint: string;
}

/** A line of mountinfo escapes white space and backslashes in octal; see proc(5). */
function unescapePath(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_whole, code: string) => String.fromCodePoint(Number.parseInt(code, 8)));
}

/** The mounts of `/proc/self/mountinfo` that may hold memory cgroups: the one of version 2, and version 1's of memory. */
function parseCgroupMounts(mountinfo: string): CgroupMount[] {
  return mountinfo.split('\n').flatMap((line): CgroupMount[] => {
    const [mount = '', kind = ''] = line.split(' - ');
    const [, , , root = '/', mountPoint = ''] = mount.split(' ').map(unescapePath);
    const [type, , options = ''] = kind.split(' ');
    if (type === 'cgroup2') return [{ version: 2, root, mountPoint }];
    return type === 'cgroup' && options.split(',').includes('memory') ? [{ version: 1, root, mountPoint }] : [];
  });
}

/** The path of this process in a hierarchy, from a text of `/proc/self/cgroup`; see cgroups(7). */
function findOwnPath(cgroup: string, version: 1 | 2): string | undefined {
  const entries = cgroup.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line));
  const own = entries.find((each) =>
    version === 2 ? each?.[1] === '0' && each[2] === '' : each?.[2]?.split(',').includes('memory'),
  );
  return own?.[3];
}

/** The names below a mount point that lead to `path`; none where the mount does not show it, as in some containers. */
function namesBelow(root: string, path: string): string[] {
  const isShown = root === '/' || path === root || path.startsWith(`${root}/`);
  const names = (isShown && root !== '/' ? path.slice(root.length) : path).split('/').filter((name) => name !== '');
  return isShown && !names.includes('..') ? names : [];
}

/**
 * The folders of the cgroups whose memory limits hold for this process: its own and every one above that can be seen.
 *
 * Takes the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`. Pure.
 */
export function findMemoryCgroups(cgroup: string, mountinfo: string): MemoryCgroup[] {
  return parseCgroupMounts(mountinfo).flatMap(({ version, root, mountPoint }) => {
    const path = findOwnPath(cgroup, version);
    if (path === undefined) return [];
    const names = namesBelow(root, path);
    return [...names.keys(), names.length].map((depth) => ({
      version,
      folder: [mountPoint, ...names.slice(0, depth)].join('/'),
    }));
  });
}

/** A number in a file of one; undefined for `max` and for what is no number. */
function parseBytes(text: string | undefined): number | undefined {
  return /^\s*\d+\s*$/.test(text ?? '') ? Number(text) : undefined;
}

function parseStat(text: string | undefined, name: string): number {
  return parseBytes(new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1]) ?? 0;
}

/** Bytes a cgroup may still take; undefined where it has no limit. Inactive file cache is given back before the limit. */
function readRoom({ version, folder }: MemoryCgroup, read: ReadText): number | undefined {
  const file = (name: string): string | undefined => read(`${folder}/memory.${name}`);
  const [limits, usage, cache] =
    version === 2
      ? [['max', 'high'], 'current', 'inactive_file']
      : [['limit_in_bytes'], 'usage_in_bytes', 'total_inactive_file'];
  const limit = Math.min(...limits.map((name) => parseBytes(file(name)) ?? Number.POSITIVE_INFINITY));
  const used = parseBytes(file(usage));
  if (!Number.isFinite(limit) || used === undefined) return undefined;
  return Math.max(0, limit - Math.max(0, used - parseStat(file('stat'), cache)));
}

/** `MemAvailable` of `/proc/meminfo`: what can be taken before the machine begins to swap. Bytes. */
function readMachineRoom(read: ReadText): number | undefined {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(read('/proc/meminfo') ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
}

/**
 * Bytes this process and its children can still take: the least of what the machine and each cgroup has left.
 *
 * Undefined where neither can be told. Node's `process.availableMemory()` knows no cgroup above the own one, and takes
 * file cache for memory in use.
 */
export function readAvailableMemory(read: ReadText): number | undefined {
  const cgroups = findMemoryCgroups(read('/proc/self/cgroup') ?? '', read('/proc/self/mountinfo') ?? '');
  const rooms = [readMachineRoom(read), ...cgroups.map((each) => readRoom(each, read))];
  const known = rooms.filter((room) => room !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function readSystemFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not on this system, or not to be seen from here.
    return undefined;
  }
}

/** The memory of this host, looked at when somebody asks, at most once a second. */
export class HostMemory {
  readonly #read: ReadText;
  #bytes = 0;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(read: ReadText = readSystemFile) {
    this.#read = read;
  }

  /** Bytes that can still be taken before the machine swaps or a cgroup's limit is reached. */
  get availableBytes(): number {
    const now = performance.now();
    if (now - this.#readAt >= READING_AGE_MS) {
      this.#bytes = readAvailableMemory(this.#read) ?? freemem();
      this.#readAt = now;
    }
    return this.#bytes;
  }
}
