import type { Device } from './device-population.ts';

/** What the machine has; given where browsers cannot be made to say anything else. */
export interface Host {
  readonly cpuCores: number;
  readonly memoryGb: number;
}

/** What `navigator.deviceMemory` can be in Chromium 156. */
export const MEMORY_SIZES: readonly number[] = [2, 4, 8, 16, 32];

/** What Chromium says of so much memory: the power of two that is nearest. */
export function toldMemoryGb(memoryGb: number): number {
  const lower = 2 ** Math.floor(Math.log2(memoryGb));
  const nearest = memoryGb - lower <= lower * 2 - memoryGb ? lower : lower * 2;
  return Math.min(Math.max(nearest, 2), 32);
}

/** The most cores a page may be told of: even, as cores of devices are. */
function mostCores({ cpuCores }: Host): number {
  return Math.max(2, cpuCores - (cpuCores % 2));
}

/**
 * The devices no larger than the host and what is to be done with the one drawn of them.
 *
 * Memory cannot be told less without the native helper: devices with exactly what the host has go first. Where every device is larger,
 * they all are given the host's figures in place of their own.
 */
export function limitToHost<Known extends Device>(
  devices: readonly Known[],
  host: Host | undefined,
): { readonly fitting: readonly Known[]; readonly limit: (device: Known) => Device } {
  if (host === undefined) return { fitting: devices, limit: (device) => device };
  const cores = mostCores(host);
  const memory = toldMemoryGb(host.memoryGb);
  const small = devices.filter((device) => device.cpuCores <= cores && device.memoryGb <= memory);
  const equal = small.filter((device) => device.memoryGb === memory);
  const [fitting = devices] = [equal, small, devices].filter((each) => each.length > 0);
  const limit = (device: Known): Device => ({
    ...device,
    cpuCores: Math.min(device.cpuCores, cores),
    memoryGb: Math.min(device.memoryGb, memory),
  });
  return { fitting, limit };
}
