import type { Device, Gpu, MediaCounts, OsVersion } from '../../../server/features/identity/index.ts';
import type { SeededRandom } from '../../../server/lib/seeded-random.ts';
import { mediaShares, type Panel, panelSize, toPanel } from './desktop-network.ts';
import { collect, pick } from './device.ts';
import { regroup, type Share } from './network.ts';

/** What kind of computer a graphics chip is found in. */
interface Kind {
  readonly chip: RegExp;
  readonly form: 'laptop' | 'desktop' | 'either';
  readonly cores: readonly number[];
  readonly memoryGb: readonly number[];
  /** The share that still runs Windows 10. */
  readonly windows10: number;
}

const BIG = [8, 12, 16, 20, 24, 28, 32];

/** The first that fits decides; a chip none fits is left out: servers, virtual machines, what is too rare to be tied to anything. */
const KINDS: readonly Kind[] = [
  {
    chip: /NVIDIA GeForce RTX [2-5]0\d\d( Ti| 6GB)? Laptop GPU/,
    form: 'laptop',
    cores: [8, 12, 16, 20, 24, 32],
    memoryGb: [8, 16, 32],
    windows10: 0.06,
  },
  {
    chip: /NVIDIA GeForce RTX [45]0\d\d( Ti)?( SUPER)? \(/,
    form: 'desktop',
    cores: BIG,
    memoryGb: [16, 32],
    windows10: 0.08,
  },
  {
    chip: /NVIDIA GeForce RTX [23]0\d\d( Ti)?( SUPER)? \(/,
    form: 'desktop',
    cores: [8, 12, 16, 20, 24],
    memoryGb: [16, 32],
    windows10: 0.22,
  },
  {
    chip: /NVIDIA GeForce GTX (9[67]0|10[5-8]0( Ti)?|1060 [36]GB|16[56]0( Ti| SUPER)?) \(/,
    form: 'desktop',
    cores: [4, 8, 12, 16],
    memoryGb: [8, 16, 32],
    windows10: 0.4,
  },
  {
    chip: /NVIDIA GeForce GT (710|730|1030) \(/,
    form: 'desktop',
    cores: [4, 8, 12],
    memoryGb: [8, 16],
    windows10: 0.6,
  },
  {
    chip: /AMD Radeon RX (6[5-9]\d0|7[6-9]\d0|90[67]0)( XT)? \(/,
    form: 'desktop',
    cores: [8, 12, 16, 24, 32],
    memoryGb: [16, 32],
    windows10: 0.1,
  },
  {
    chip: /Radeon (RX 5[78]0 Series|RX 580 2048SP|RX 5[5-7]00( XT)?) \(/,
    form: 'desktop',
    cores: [8, 12, 16],
    memoryGb: [8, 16, 32],
    windows10: 0.4,
  },
  {
    chip: /Intel\(R\) (UHD Graphics 7[37]0|Arc\(TM\) [AB]\d{3} Graphics) \(/,
    form: 'desktop',
    cores: [8, 12, 16, 20, 24],
    memoryGb: [8, 16, 32],
    windows10: 0.08,
  },
  {
    chip: /Intel\(R\) HD Graphics (530|630|4600) \(/,
    form: 'desktop',
    cores: [4, 8],
    memoryGb: [4, 8, 16],
    windows10: 0.85,
  },
  {
    chip: /Intel\(R\) HD Graphics (4000|4400|5500|520|620) \(/,
    form: 'laptop',
    cores: [2, 4],
    memoryGb: [4, 8, 16],
    windows10: 0.9,
  },
  {
    chip: /Intel\(R\) UHD Graphics 6(05|00) \(/,
    form: 'laptop',
    cores: [2, 4],
    memoryGb: [4, 8],
    windows10: 0.4,
  },
  {
    chip: /Intel\(R\) UHD Graphics 620 \(/,
    form: 'laptop',
    cores: [8],
    memoryGb: [8, 16],
    windows10: 0.25,
  },
  {
    chip: /Intel\(R\) UHD Graphics 630 \(/,
    form: 'either',
    cores: [8, 12, 16],
    memoryGb: [8, 16, 32],
    windows10: 0.25,
  },
  {
    chip: /Intel\(R\) UHD Graphics \(/,
    form: 'laptop',
    cores: [4, 8, 12, 16],
    memoryGb: [8, 16, 32],
    windows10: 0.12,
  },
  {
    chip: /Intel\(R\) (Iris\(R\) (Xe|Plus) )Graphics \(/,
    form: 'laptop',
    cores: [8, 12, 16],
    memoryGb: [8, 16, 32],
    windows10: 0.1,
  },
  {
    chip: /Intel\(R\) (Arc\(TM\) Graphics|Graphics|Arc\(TM\) 1[34]0[VT] GPU \(\d+GB\)) \(/,
    form: 'laptop',
    cores: [8, 12, 14, 16, 18, 22],
    memoryGb: [16, 32],
    windows10: 0,
  },
  {
    chip: /AMD Radeon(\(TM\))? ([78]\d0M|6[16]0M)( Graphics)? \(/,
    form: 'laptop',
    cores: [8, 12, 16],
    memoryGb: [8, 16, 32],
    windows10: 0,
  },
  {
    chip: /AMD Radeon ?\(TM\)( Vega \d+)? Graphics \(/,
    form: 'either',
    cores: [4, 8, 12, 16],
    memoryGb: [8, 16, 32],
    windows10: 0.15,
  },
];

const LAPTOP_ONLY = ['1366x768', '2736x1824', '2880x1800', '3000x2000', '3840x2400', '2560x1600', '1920x1200'];
const DESKTOP_ONLY = ['1280x1024', '1680x1050', '2560x1080', '3440x1440', '5120x1440', '1440x900', '2560x1440'];

const WINDOWS_10: OsVersion = { osVersion: '10', platformVersion: '10.0.0' };
const TASKBAR = { '10': 40, '11': 48 } as const;

function toGpu(value: unknown): Gpu | undefined {
  const { vendor, renderer } = value as Gpu;
  const maker = /^ANGLE \((NVIDIA|AMD|Intel), .* \(0x[0-9A-F]{8}\) Direct3D11 vs_5_0 ps_5_0, D3D11\)$/.exec(
    renderer,
  )?.[1];
  if (maker === undefined || vendor !== `Google Inc. (${maker})`) return undefined;
  return kindOf(renderer) && { maker: maker.toLowerCase() as Gpu['maker'], vendor, renderer };
}

function kindOf(renderer: string): Kind | undefined {
  return KINDS.find(({ chip }) => chip.test(renderer));
}

/** Laptops are scaled up, other screens only where they are fine. */
function fitsForm(panel: Panel, form: 'laptop' | 'desktop'): boolean {
  const size = panelSize(panel);
  if (form === 'laptop') return !DESKTOP_ONLY.includes(size) && panel.width <= 1920;
  if (LAPTOP_ONLY.includes(size)) return false;
  return panel.devicePixelRatio === 1 || size.startsWith('3840') || size.startsWith('2560');
}

function isFairlyEquipped(cores: number, memoryGb: number): boolean {
  if (cores <= 2) return memoryGb <= 8;
  if (cores <= 4) return memoryGb <= 16;
  return cores < 16 || memoryGb >= 16;
}

function toScreen(panel: Panel, { osVersion }: OsVersion): Device['screen'] {
  const taskbar = osVersion === '10' ? TASKBAR['10'] : TASKBAR['11'];
  const { width, height, devicePixelRatio } = panel;
  const avail = { availWidth: width, availHeight: height - taskbar, availLeft: 0, availTop: 0 };
  return { width, height, ...avail, devicePixelRatio, colorDepth: 24, colorGamut: 'srgb' };
}

interface WindowsShares {
  readonly gpus: readonly Share<Gpu>[];
  readonly panels: readonly Share<Panel>[];
  readonly cores: readonly Share<number>[];
  readonly memory: readonly Share<number>[];
  readonly media: readonly Share<MediaCounts>[];
  readonly os: readonly Share<OsVersion>[];
}

function draw(random: SeededRandom, shares: WindowsShares): Device | undefined {
  const gpu = pick(random, shares.gpus);
  const kind = kindOf(gpu.renderer);
  if (kind === undefined) return undefined;
  const form = kind.form === 'either' ? (random.chance(0.7) ? 'laptop' : 'desktop') : kind.form;
  const panel = pick(random, shares.panels, (each) => fitsForm(each, form));
  const cpuCores = pick(random, shares.cores, (each) => kind.cores.includes(each));
  const memoryGb = pick(random, shares.memory, (each) => kind.memoryGb.includes(each));
  if (!isFairlyEquipped(cpuCores, memoryGb)) return undefined;
  const os = random.chance(kind.windows10) ? WINDOWS_10 : pick(random, shares.os);
  const media = pick(random, shares.media, (each) => form === 'desktop' || each.join() === '1,1,1');
  const isTouch = form === 'laptop' && kind.memoryGb.includes(16) && random.chance(0.14);
  const maxTouchPoints = isTouch ? 10 : 0;
  const screen = toScreen(panel, os);
  return { os, gpu, screen, architecture: 'x86', cpuCores, memoryGb, maxTouchPoints, media, model: '' };
}

/** Devices that run Windows. */
export function windowsDevices(read: (property: string, mark: string) => Share<unknown>[]): Share<Device>[] {
  const of = (property: string): Share<unknown>[] => read(property, 'Windows NT 10');
  const shares: WindowsShares = {
    gpus: regroup(of('videoCard'), toGpu),
    panels: regroup(of('screen'), toPanel),
    cores: regroup(of('hardwareConcurrency'), (value) => value as number),
    memory: regroup(of('deviceMemory'), (value) => value as number),
    media: mediaShares(of('multimediaDevices')),
    os: regroup(of('userAgentData'), (value) => {
      const { platformVersion } = value as OsVersion;
      return ['15.0.0', '19.0.0'].includes(platformVersion) ? { osVersion: '11', platformVersion } : undefined;
    }),
  };
  return collect('windows', (random) => draw(random, shares), 3_500);
}
