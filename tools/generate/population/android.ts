import type { Device, Gpu } from '../../../server/features/identity/index.ts';
import type { SeededRandom } from '../../../server/lib/seeded-random.ts';
import { collect } from './device.ts';
import type { Share } from './network.ts';

/**
 * Phones as they are sold, one a line: weight | model (client hint) | GPU | size in CSS pixels @ scale | cores | memory in GB as a
 * browser tells it | Android versions they run.
 *
 * The network has 300 Androids that tell their model, one to eight of each, and ties models to nothing. So what belongs to a model is
 * written here as we know it, checked against no maker's sheet. All its GPUs and, but for 360x825, its sizes with their scale are seen in
 * the network; of the models 19 are. Weights are estimates.
 */
const PHONES = `
  14|SM-S938B|Adreno (TM) 830|384x832@2.8125|8|8|15,16
  10|SM-S931B|Adreno (TM) 830|360x780@3|8|8|15,16
   8|SM-S931U|Adreno (TM) 830|360x780@3|8|8|15,16
  12|SM-S928B|Adreno (TM) 750|384x832@2.8125|8|8|14,15,16
   8|SM-S921U|Adreno (TM) 750|360x780@3|8|8|14,15,16
   9|SM-S911B|Adreno (TM) 740|360x780@3|8|8|13,14,15,16
   8|SM-S901U|Adreno (TM) 730|360x780@3|8|8|12,13,14,15
   6|SM-G991B|Mali-G78|360x800@3|8|8|12,13,14,15
  10|SM-A546B|Mali-G68 MC4|384x832@2.8125|8|8|13,14,15,16
  10|SM-A536B|Mali-G68|384x854@2.8125|8|4,8|12,13,14,15
   8|SM-A346B|Mali-G68 MC4|384x832@2.8125|8|4,8|13,14,15
  14|SM-A155F|Mali-G57 MC2|384x832@2.8125|8|4|14,15,16
   8|SM-A145F|Mali-G52|384x857@2.8125|8|4|13,14,15
   6|SM-A135F|Mali-G52|384x857@2.8125|8|4|12,13,14
   4|Pixel 6|Mali-G78|412x915@2.625|8|8|12,13,14,15,16
   5|Pixel 6a|Mali-G78|412x915@2.625|8|4|13,14,15,16
   5|Pixel 7|Mali-G710|412x915@2.625|8|8|13,14,15,16
   5|Pixel 7a|Mali-G710|412x915@2.625|8|8|13,14,15,16
   3|Pixel 7 Pro|Mali-G710|412x892@2.625|8|8|13,14,15,16
   5|Pixel 8|Mali-G715|412x915@2.625|9|8|14,15,16
   5|Pixel 8a|Mali-G715|412x915@2.625|9|8|14,15,16
   3|Pixel 8 Pro|Mali-G715|448x998@2.25|9|8|14,15,16
   6|Pixel 9|Mali-G715|412x924@2.625|8|8|14,15,16
   5|Pixel 9a|Mali-G715|412x924@2.625|8|8|15,16
   4|Pixel 9 Pro XL|Mali-G715|448x998@2.25|8|8|14,15,16
   4|Pixel 10|PowerVR D-Series DXT-48-1536|412x924@2.625|8|8|16
   8|23021RAAEG|Adreno (TM) 610|393x873@2.75|8|4,8|13,14,15
   7|2201117TG|Adreno (TM) 610|393x873@2.75|8|4|12,13
   8|23129RAA4G|Adreno (TM) 610|393x873@2.75|8|4,8|13,14,15
   6|M2101K6G|Adreno (TM) 618|393x873@2.75|8|4,8|12,13
   5|2312DRA50G|Adreno (TM) 710|407x904@3|8|8|13,14,15
   4|M2102J20SG|Adreno (TM) 640|393x873@2.75|8|4,8|12,13
   3|M2012K11AG|Adreno (TM) 650|393x873@2.75|8|8|12,13
   4|2211133G|Adreno (TM) 740|393x873@2.75|8|8|13,14,15
   4|23127PN0CG|Adreno (TM) 750|400x890@3|8|8|14,15,16
   4|22120RN86G|Mali-G52 MC2|360x825@2|8|4|12,13,14
   6|23100RN82L|Mali-G52 MC2|360x800@2|8|4|13,14,15
   3|23129RN51X|PowerVR Rogue GE8320|360x825@2|8|4|14
   2|LE2113|Adreno (TM) 660|412x915@2.625|8|8|12,13,14
   3|CPH2581|Adreno (TM) 750|360x792@3|8|8|14,15,16
   4|CPH2467|Adreno (TM) 619|360x800@3|8|8|13,14,15
   4|CPH2565|Adreno (TM) 610|360x800@3|8|8|13,14
   3|moto g84 5G|Adreno (TM) 619|432x960@2.5|8|8|13,14,15
   3|moto g54 5G|PowerVR B-Series BXM-8-256|432x960@2.5|8|8|13,14,15
   3|moto g34 5G|Adreno (TM) 619|412x915@1.75|8|4,8|14,15
   2|A063|Adreno (TM) 642L|412x915@2.625|8|8|12,13,14,15
   2|A142|Mali-G610 MC4|412x919@2.625|8|8|14,15,16
   4|RMX3760|Mali-G57|360x800@2|8|4|13,14
`;

const MAKERS: readonly (readonly [mark: RegExp, maker: Gpu['maker'], name: string])[] = [
  [/^Adreno/, 'qualcomm', 'Qualcomm'],
  [/^Mali/, 'arm', 'ARM'],
  [/^PowerVR/, 'imagination', 'Imagination Technologies'],
];

interface Phone {
  readonly weight: number;
  readonly model: string;
  readonly gpu: Gpu;
  readonly screen: Device['screen'];
  readonly cpuCores: number;
  readonly memoryGb: readonly number[];
  readonly versions: readonly string[];
}

function toGpu(chip: string): Gpu {
  const [, maker = 'arm', name = ''] = MAKERS.find(([mark]) => mark.test(chip)) ?? [];
  return { maker, vendor: `Google Inc. (${name})`, renderer: `ANGLE (${name}, ${chip}, OpenGL ES 3.2)` };
}

function toPhone(line: string): Phone {
  const [weight, model = '', chip = '', screen = '', cores, memory = '', versions = ''] = line.trim().split('|');
  const [width = 0, height = 0, devicePixelRatio = 0] = screen.split(/[x@]/).map(Number);
  const avail = { availWidth: width, availHeight: height, availLeft: 0, availTop: 0 };
  return {
    weight: Number(weight),
    model,
    gpu: toGpu(chip),
    screen: { width, height, ...avail, devicePixelRatio, colorDepth: 24, colorGamut: 'srgb' },
    cpuCores: Number(cores),
    memoryGb: memory.split(',').map(Number),
    versions: versions.split(','),
  };
}

function draw(random: SeededRandom, phones: readonly Phone[]): Device | undefined {
  const phone = random.pick(phones, ({ weight }) => weight);
  if (phone === undefined) return undefined;
  const { gpu, screen, cpuCores, model } = phone;
  const memoryGb = random.pick(phone.memoryGb, () => 1) ?? 4;
  // Most phones run the newest version they get.
  const osVersion = random.pick(phone.versions, (version) => 1 + phone.versions.indexOf(version) ** 2) ?? '';
  const os = { osVersion, platformVersion: `${osVersion}.0.0` };
  return { os, gpu, screen, architecture: '', cpuCores, memoryGb, maxTouchPoints: 5, media: [1, 1, 1], model };
}

/** Phones that run Android. */
export function androidDevices(): Share<Device>[] {
  const phones = PHONES.trim().split('\n').map(toPhone);
  return collect('android', (random) => draw(random, phones), 4_000);
}
