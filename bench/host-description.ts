import os from 'node:os';

import type { Status } from '@guise/contract';

/** Where and on what a run took place: without it its numbers say little. */
export interface HostDescription {
  readonly startedAt: string;
  readonly guiseVersion: string;
  readonly nodeVersion: string;
  readonly chromiumVersion: string;
  readonly cpuCount: number;
  readonly cpuModel: string;
  readonly memoryBytes: number;
  /** Mean number of running processes in the minute before the start: what others do on this machine. */
  readonly loadAverage: number;
}

export function describeHost({ version, browserVersion }: Status): HostDescription {
  const cpus = os.cpus();
  return {
    startedAt: new Date().toISOString(),
    guiseVersion: version,
    nodeVersion: process.version,
    chromiumVersion: browserVersion,
    cpuCount: cpus.length,
    cpuModel: cpus[0]?.model.trim() ?? 'unknown',
    memoryBytes: os.totalmem(),
    loadAverage: os.loadavg()[0] ?? 0,
  };
}

/** The description as lines for people. Pure. */
export function toHeader(host: HostDescription): string[] {
  const memoryGib = (host.memoryBytes / 1024 ** 3).toFixed(0);
  return [
    `Guise ${host.guiseVersion} benchmark, ${host.startedAt}`,
    `Node ${host.nodeVersion}, Chromium ${host.chromiumVersion}, ${host.cpuCount} CPUs (${host.cpuModel}), ` +
      `${memoryGib} GiB, load ${host.loadAverage.toFixed(1)}`,
    'ratio: of medians, to the floor measured in turns in the same run; compare ratios, not times of other machines',
  ];
}
