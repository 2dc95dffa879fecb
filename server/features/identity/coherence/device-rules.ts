import type { Fingerprint } from '@guise/contract';

import { SeededRandom } from '../../../lib/seeded-random.ts';
import { type CountedDevice, listDevices } from '../device-population.ts';
import { vendorOf, whyNotGpu } from '../gpu-names.ts';
import { type Host, MEMORY_SIZES, toldMemoryGb } from '../host-limits.ts';
import { compare, type CoherenceRule, demand, type Finding } from './coherence-rule.ts';

const MOST_CORES = 32;
const MOST_ANDROID_MEMORY_GB = 8;

/** Chips that have an odd number of cores, by their renderer. */
const ODD_CORES: readonly (readonly [renderer: RegExp, cores: readonly number[]])[] = [
  [/Apple M3 Pro/, [11]],
  [/Apple M5 (Pro|Max)/, [15]],
  [/Mali-G715/, [9]],
];

/** The most cores of Apple's chips, by their kind. */
const APPLE_CORES: readonly (readonly [renderer: RegExp, most: number])[] = [
  [/Apple M\d,/, 10],
  [/Apple M\d (Pro|Max),/, 18],
];

/** The device most like the fingerprint: the same model, or else the same screen and cores, as far as there is one. */
function likeDevice({ seed, os, clientHints, screen, hardware }: Fingerprint): CountedDevice {
  const tests: readonly ((device: CountedDevice) => boolean)[] = [
    (device) => device.model === clientHints.model,
    (device) => device.architecture === clientHints.architecture,
    (device) => device.screen.width === screen.width && device.screen.height === screen.height,
    (device) => device.screen.devicePixelRatio === screen.devicePixelRatio,
    (device) => device.cpuCores === hardware.cpuCores,
    (device) => device.memoryGb === hardware.memoryGb,
  ];
  const alike = tests.reduce<readonly CountedDevice[]>((devices, test) => {
    const passed = devices.filter(test);
    return passed.length > 0 ? passed : devices;
  }, listDevices(os));
  const device = new SeededRandom(seed, 'mend').pick(alike, ({ weight }) => weight);
  if (device === undefined) throw new Error(`There are no devices for ${os}`);
  return device;
}

/** S5: the strings of WebGL name a chip that devices of the system have, as it is named there. */
export const gpuRule: CoherenceRule = {
  id: 'S5',
  name: 'gpu',
  why: 'Each system has an interface of its own to graphics, which the string names; software rendering tells of a server.',
  find: ({ os, gpu }) => {
    const reason = whyNotGpu(os, gpu);
    if (reason === undefined) {
      return compare([{ path: '/gpu/vendor', actual: gpu.vendor, expected: vendorOf(gpu.renderer) }]);
    }
    return [
      { path: '/gpu/renderer', message: `${gpu.renderer} ${reason}`, repair: 'take the GPU of a device like it' },
    ];
  },
  mend: (fingerprint) => {
    const { os, gpu } = fingerprint;
    const renderer = whyNotGpu(os, gpu) === undefined ? gpu.renderer : likeDevice(fingerprint).gpu.renderer;
    return { ...fingerprint, gpu: { renderer, vendor: vendorOf(renderer) } };
  },
};

function memoryFindings({ os, hardware }: Fingerprint): Finding[] {
  const { memoryGb } = hardware;
  const sizes = MEMORY_SIZES.filter((size) => os !== 'android' || size <= MOST_ANDROID_MEMORY_GB);
  return demand(sizes.includes(memoryGb), {
    path: '/hardware/memoryGb',
    message: `is ${memoryGb}; browsers on ${os} say ${sizes.join(', ')}`,
    repair: 'take the nearest of these',
  });
}

function mostCores({ gpu }: Fingerprint): number {
  return APPLE_CORES.find(([renderer]) => renderer.test(gpu.renderer))?.[1] ?? MOST_CORES;
}

function isCoreCount(fingerprint: Fingerprint): boolean {
  const { cpuCores } = fingerprint.hardware;
  if (cpuCores > mostCores(fingerprint)) return false;
  if (cpuCores % 2 === 0) return true;
  const odd = ODD_CORES.find(([renderer]) => renderer.test(fingerprint.gpu.renderer))?.[1] ?? [];
  return odd.includes(cpuCores);
}

function coreFindings(fingerprint: Fingerprint): Finding[] {
  const { cpuCores } = fingerprint.hardware;
  return demand(isCoreCount(fingerprint), {
    path: '/hardware/cpuCores',
    message: `is ${cpuCores}; no device with this GPU has so many, or an odd number`,
    repair: `take an even number up to ${mostCores(fingerprint)}`,
  });
}

function hostFindings({ hardware }: Fingerprint, host: Host | undefined): Finding[] {
  if (host === undefined) return [];
  const memory = toldMemoryGb(host.memoryGb);
  const message = (name: string, value: number): string =>
    `is more than the ${value} ${name} of this host, and without the native helper it cannot be told`;
  return [
    ...demand(hardware.cpuCores <= Math.max(2, host.cpuCores), {
      path: '/hardware/cpuCores',
      message: message('cores', host.cpuCores),
      repair: 'take what the host has',
    }),
    ...demand(hardware.memoryGb <= memory, {
      path: '/hardware/memoryGb',
      message: message('GB', memory),
      repair: 'take what the host has',
    }),
  ];
}

function mendCores(fingerprint: Fingerprint, host: Host | undefined): number {
  const { cpuCores } = fingerprint.hardware;
  const most = Math.min(mostCores(fingerprint), Math.max(2, host?.cpuCores ?? MOST_CORES));
  if (cpuCores <= most && isCoreCount(fingerprint)) return cpuCores;
  const nearest = Math.min(cpuCores + (cpuCores % 2), most);
  return nearest - (nearest % 2);
}

function mendMemory({ os, hardware }: Fingerprint, host: Host | undefined): number {
  const ofOs = os === 'android' ? MOST_ANDROID_MEMORY_GB : 32;
  return Math.min(toldMemoryGb(hardware.memoryGb), ofOs, host === undefined ? 32 : toldMemoryGb(host.memoryGb));
}

/** S6: memory is what Chromium tells, cores are as devices have them, and neither is more than can be told on this host. */
export const hardwareRule: CoherenceRule = {
  id: 'S6',
  name: 'hardware',
  why: 'Memory is told in steps, with a limit on Android; and how long work on many threads takes shows cores that are not there.',
  find: (fingerprint, { host }) => [
    ...memoryFindings(fingerprint),
    ...coreFindings(fingerprint),
    ...hostFindings(fingerprint, host),
  ],
  mend: (fingerprint, { host }) => ({
    ...fingerprint,
    hardware: {
      ...fingerprint.hardware,
      cpuCores: mendCores(fingerprint, host),
      memoryGb: mendMemory(fingerprint, host),
    },
  }),
};
