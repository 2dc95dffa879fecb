import { describe, expect, it } from 'vitest';

import { findMemoryCgroups, HostMemory, readAvailableMemory, type ReadText } from './host-memory.ts';

const MIB = 1_024 ** 2;

const MEMINFO = `MemTotal:       24683988 kB
MemFree:        18314036 kB
MemAvailable:   20480000 kB
Buffers:           10240 kB
Cached:          2204712 kB
SwapTotal:             0 kB
`;

/** A host as systemd sets it up, everything in version 2. */
const V2_MOUNTS = `22 27 0:20 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
31 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
44 27 8:1 / /mnt/with\\040space rw shared:1 - ext4 /dev/sda1 rw
`;
const V2_CGROUP = '0::/system.slice/guise.service\n';

/** A version 1 container whose mounts show its own part of the hierarchy only. */
const V1_MOUNTS = `620 612 0:56 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs rw,mode=755
633 620 0:31 /docker/4f1c /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:17 - cgroup cgroup rw,cpu,cpuacct
637 620 0:35 /docker/4f1c /sys/fs/cgroup/memory ro,nosuid master:21 - cgroup cgroup rw,memory
`;
const V1_CGROUP = '5:cpu,cpuacct:/docker/4f1c\n4:memory:/docker/4f1c/browsers\n1:name=systemd:/docker/4f1c\n';

function files(contents: Readonly<Record<string, string>>): ReadText {
  return (path) => contents[path];
}

const v2 = (contents: Readonly<Record<string, string>>): ReadText =>
  files({ '/proc/self/cgroup': V2_CGROUP, '/proc/self/mountinfo': V2_MOUNTS, '/proc/meminfo': MEMINFO, ...contents });
const v1 = (contents: Readonly<Record<string, string>>): ReadText =>
  files({ '/proc/self/cgroup': V1_CGROUP, '/proc/self/mountinfo': V1_MOUNTS, '/proc/meminfo': MEMINFO, ...contents });

const OWN_V2 = '/sys/fs/cgroup/system.slice/guise.service';
const SLICE_V2 = '/sys/fs/cgroup/system.slice';
const OWN_V1 = '/sys/fs/cgroup/memory/browsers';
const ROOT_V1 = '/sys/fs/cgroup/memory';
/** What version 1 says where there is no limit: the largest count of pages, in bytes. */
const NO_LIMIT_V1 = '9223372036854771712\n';

describe('findMemoryCgroups', () => {
  const foldersOf = (cgroup: string, mountinfo: string): string[] =>
    findMemoryCgroups(cgroup, mountinfo).map(({ folder }) => folder);

  it('names the own cgroup and all above it', () => {
    expect(foldersOf(V2_CGROUP, V2_MOUNTS)).toEqual(['/sys/fs/cgroup', SLICE_V2, OWN_V2]);
  });

  it('knows that a container sees only its own part of the hierarchy', () => {
    expect(foldersOf(V1_CGROUP, V1_MOUNTS)).toEqual([ROOT_V1, OWN_V1]);
    expect(foldersOf('4:memory:/docker/4f1c\n', V1_MOUNTS)).toEqual([ROOT_V1]);
    // A sibling that only begins alike is not shown by this mount.
    expect(foldersOf('4:memory:/docker/4f1cff/x\n', V1_MOUNTS)).toEqual([ROOT_V1]);
  });

  it('looks no further than the mount point where the path leads out of the name space', () => {
    expect(foldersOf('0::/../../user.slice\n', V2_MOUNTS)).toEqual(['/sys/fs/cgroup']);
    expect(foldersOf('0::/\n', V2_MOUNTS)).toEqual(['/sys/fs/cgroup']);
  });

  it('finds both versions where both are mounted', () => {
    const mounts = `35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/my\\040unified rw - cgroup2 cgroup2 rw\n`;
    expect(findMemoryCgroups('4:memory:/a\n0::/b\n', mounts)).toEqual([
      { version: 1, folder: '/sys/fs/cgroup/memory' },
      { version: 1, folder: '/sys/fs/cgroup/memory/a' },
      { version: 2, folder: '/sys/fs/cgroup/my unified' },
      { version: 2, folder: '/sys/fs/cgroup/my unified/b' },
    ]);
  });

  it('finds none in texts that say nothing', () => {
    expect(findMemoryCgroups('', '')).toEqual([]);
    expect(findMemoryCgroups(V2_CGROUP, '')).toEqual([]);
    expect(findMemoryCgroups('1:name=systemd:/\n', V1_MOUNTS)).toEqual([]);
  });
});

describe('readAvailableMemory', () => {
  it('is what the machine has where no cgroup sets a limit', () => {
    expect(readAvailableMemory(files({ '/proc/meminfo': MEMINFO }))).toBe(20_000 * MIB);
    const unlimited = { [`${OWN_V2}/memory.max`]: 'max\n', [`${OWN_V2}/memory.current`]: `${900 * MIB}\n` };
    expect(readAvailableMemory(v2(unlimited))).toBe(20_000 * MIB);
    const huge = { [`${OWN_V1}/memory.limit_in_bytes`]: NO_LIMIT_V1, [`${OWN_V1}/memory.usage_in_bytes`]: '4096\n' };
    expect(readAvailableMemory(v1(huge))).toBe(20_000 * MIB);
  });

  it('is what the own cgroup has left, file cache that can be dropped counted as free', () => {
    const limited = {
      [`${OWN_V2}/memory.max`]: `${2_000 * MIB}\n`,
      [`${OWN_V2}/memory.current`]: `${1_500 * MIB}\n`,
      [`${OWN_V2}/memory.stat`]: `anon ${1_000 * MIB}\nfile ${500 * MIB}\ninactive_file ${300 * MIB}\nactive_file 1\n`,
    };
    expect(readAvailableMemory(v2(limited))).toBe(800 * MIB);
  });

  it('is what the tightest cgroup above has left', () => {
    const nested = {
      [`${OWN_V2}/memory.max`]: `${2_000 * MIB}\n`,
      [`${OWN_V2}/memory.current`]: `${500 * MIB}\n`,
      [`${SLICE_V2}/memory.max`]: `${3_000 * MIB}\n`,
      [`${SLICE_V2}/memory.current`]: `${2_900 * MIB}\n`,
    };
    expect(readAvailableMemory(v2(nested))).toBe(100 * MIB);
  });

  it('heeds the limit above which version 2 slows a cgroup down', () => {
    const throttled = {
      [`${OWN_V2}/memory.max`]: `${2_000 * MIB}\n`,
      [`${OWN_V2}/memory.high`]: `${1_000 * MIB}\n`,
      [`${OWN_V2}/memory.current`]: `${600 * MIB}\n`,
    };
    expect(readAvailableMemory(v2(throttled))).toBe(400 * MIB);
  });

  it('reads version 1 of nested cgroups, whose cache is the total of those below', () => {
    const nested = {
      [`${OWN_V1}/memory.limit_in_bytes`]: NO_LIMIT_V1,
      [`${OWN_V1}/memory.usage_in_bytes`]: `${700 * MIB}\n`,
      [`${ROOT_V1}/memory.limit_in_bytes`]: `${1_024 * MIB}\n`,
      [`${ROOT_V1}/memory.usage_in_bytes`]: `${900 * MIB}\n`,
      [`${ROOT_V1}/memory.stat`]: `inactive_file 0\ntotal_cache 1\ntotal_inactive_file ${76 * MIB}\n`,
    };
    expect(readAvailableMemory(v1(nested))).toBe(200 * MIB);
  });

  it('is never less than nothing', () => {
    const over = { [`${OWN_V2}/memory.max`]: '4096\n', [`${OWN_V2}/memory.current`]: '8192\n' };
    expect(readAvailableMemory(v2(over))).toBe(0);
  });

  it('is unknown where no file says anything, and does not take nonsense for a number', () => {
    expect(readAvailableMemory(files({}))).toBeUndefined();
    const nonsense = { [`${OWN_V2}/memory.max`]: '\n', [`${OWN_V2}/memory.current`]: 'x\n' };
    expect(readAvailableMemory(v2(nonsense))).toBe(20_000 * MIB);
  });
});

describe('HostMemory', () => {
  it('is a sensible number on this machine', () => {
    const { availableBytes } = new HostMemory();
    expect(availableBytes).toBeGreaterThan(16 * MIB);
    expect(availableBytes).toBeLessThan(1_024 ** 5);
  });

  it('reads the files once for many questions', () => {
    const read: string[] = [];
    const memory = new HostMemory((path) => {
      read.push(path);
      return files({ '/proc/meminfo': MEMINFO })(path);
    });
    for (let question = 0; question < 100; question += 1) expect(memory.availableBytes).toBe(20_000 * MIB);
    expect(read.filter((path) => path === '/proc/meminfo')).toHaveLength(1);
  });

  it('still says something where the system shows no such file', () => {
    expect(new HostMemory(() => undefined).availableBytes).toBeGreaterThan(0);
  });
});
