import { type FingerprintConstraints, OS_FAMILIES, type OsFamily } from '@guise/contract';

import { type AppError, invalidField } from '../../lib/app-error.ts';
import { SeededRandom } from '../../lib/seeded-random.ts';
import { type CountedDevice, type Device, listDevices } from './device-population.ts';
import { type Host, limitToHost } from './host-limits.ts';

/** How often a system is met. */
const OS_SHARES: Readonly<Record<OsFamily, number>> = { windows: 60, macos: 20, android: 15, linux: 5 };

/** One constraint: where it stands, in words, and what fits it. */
interface Condition {
  readonly path: string;
  readonly words: string;
  readonly fits: (device: CountedDevice) => boolean;
}

/** Whether a version is the one asked for, or one of it: 15.5 is a 15. */
function isVersion(version: string, wanted: string): boolean {
  return version === wanted || version.startsWith(`${wanted}.`);
}

function screenConditions({ screen = {} }: FingerprintConstraints): Condition[] {
  const condition = (
    name: keyof typeof screen,
    fits: (size: Device['screen'], limit: number) => boolean,
  ): Condition[] => {
    const limit = screen[name];
    if (limit === undefined) return [];
    const words = `a screen of ${name} ${limit}`;
    return [{ path: `/screen/${name}`, words, fits: (device) => fits(device.screen, limit) }];
  };
  return [
    ...condition('minWidth', ({ width }, limit) => width >= limit),
    ...condition('maxWidth', ({ width }, limit) => width <= limit),
    ...condition('minHeight', ({ height }, limit) => height >= limit),
    ...condition('maxHeight', ({ height }, limit) => height <= limit),
    ...condition('devicePixelRatio', ({ devicePixelRatio }, wanted) => devicePixelRatio === wanted),
  ];
}

/** What the constraints demand of a device, the widest first. */
function conditionsOf(constraints: FingerprintConstraints): Condition[] {
  const { os: family, device: kind, osVersion, gpu } = constraints;
  const conditions: (Condition | undefined)[] = [
    family && { path: '/os', words: family, fits: (device) => device.family === family },
    kind && {
      path: '/device',
      words: `a ${kind} device`,
      fits: (device) => (device.family === 'android') === (kind === 'mobile'),
    },
    osVersion === undefined
      ? undefined
      : {
          path: '/osVersion',
          words: `version ${osVersion}`,
          fits: (device) => isVersion(device.os.osVersion, osVersion),
        },
    gpu && { path: '/gpu', words: `graphics by ${gpu}`, fits: (device) => device.gpu.maker === gpu },
    ...screenConditions(constraints),
  ];
  return conditions.filter((condition) => condition !== undefined);
}

function nothingFits(condition: Condition, met: readonly Condition[]): AppError {
  const before = met.map(({ words }) => words).join(', ');
  const among = before === '' ? 'there is no device with' : `among devices that fit ${before} none has`;
  return invalidField(condition.path, `${among} ${condition.words}`);
}

/** @throws {AppError} VALIDATION_FAILED for the first constraint that leaves nothing */
function findCandidates(constraints: FingerprintConstraints): readonly CountedDevice[] {
  let candidates: readonly CountedDevice[] = OS_FAMILIES.flatMap(listDevices);
  const conditions = conditionsOf(constraints);
  for (const [index, condition] of conditions.entries()) {
    candidates = candidates.filter(condition.fits);
    if (candidates.length === 0) throw nothingFits(condition, conditions.slice(0, index));
  }
  return candidates;
}

/**
 * Draws a device that fits the constraints, each as often as it is met.
 *
 * @throws {AppError} VALIDATION_FAILED when none fits
 */
export function chooseDevice(
  constraints: FingerprintConstraints,
  seed: number,
  host: Host | undefined,
): { readonly os: OsFamily; readonly device: Device } {
  const candidates = findCandidates(constraints);
  const families = OS_FAMILIES.filter((os) => candidates.some(({ family }) => family === os));
  const os = new SeededRandom(seed, 'os').pick(families, (family) => OS_SHARES[family]);
  const devices = candidates.filter(({ family }) => family === os);
  const random = new SeededRandom(seed, 'device');
  const { fitting, limit } = limitToHost(devices, host);
  const device = random.pick(fitting, ({ weight }) => weight);
  if (os === undefined || device === undefined) throw new Error('Candidates were found and none was drawn');
  return { os, device: limit(device) };
}
