import type { Device, Gpu, MediaCounts, OsVersion } from '../../../server/features/identity/index.ts';
import type { SeededRandom } from '../../../server/lib/seeded-random.ts';
import { mediaShares } from './desktop-network.ts';
import { collect, pick } from './device.ts';
import { regroup, type Share } from './network.ts';

/** What Apple builds a chip into. Sizes of built-in screens are in CSS pixels, as they are set at delivery or scaled in the settings. */
interface Kind {
  readonly chip: RegExp;
  readonly builtIn: readonly string[];
  /** Also in computers without a screen of their own. */
  readonly isMini: boolean;
  readonly cores: readonly number[];
  readonly memoryGb: readonly number[];
}

const AIR_13 = '1470x956';
const AIR_15 = ['1710x1107', '1710x1112'];
const PRO_14 = ['1512x982', '1800x1169'];
const PRO_16 = ['1728x1117', '2056x1329'];
const IMAC_24 = '2240x1260';
const BOTH_PRO = [...PRO_14, ...PRO_16];

const KINDS: readonly Kind[] = [
  { chip: /Apple M1,/, builtIn: ['1440x900', '1680x1050', IMAC_24], isMini: true, cores: [8], memoryGb: [8, 16] },
  { chip: /Apple M1 Pro,/, builtIn: BOTH_PRO, isMini: false, cores: [8, 10], memoryGb: [16, 32] },
  { chip: /Apple M1 Max,/, builtIn: BOTH_PRO, isMini: true, cores: [10], memoryGb: [32] },
  { chip: /Apple M2,/, builtIn: [AIR_13, ...AIR_15, '1440x900'], isMini: true, cores: [8], memoryGb: [8, 16] },
  { chip: /Apple M2 Pro,/, builtIn: BOTH_PRO, isMini: true, cores: [10, 12], memoryGb: [16, 32] },
  { chip: /Apple M2 Max,/, builtIn: BOTH_PRO, isMini: true, cores: [12], memoryGb: [32] },
  { chip: /Apple M3,/, builtIn: [AIR_13, ...AIR_15, ...PRO_14, IMAC_24], isMini: false, cores: [8], memoryGb: [8, 16] },
  { chip: /Apple M3 Pro,/, builtIn: BOTH_PRO, isMini: false, cores: [12], memoryGb: [16, 32] },
  { chip: /Apple M3 Max,/, builtIn: BOTH_PRO, isMini: false, cores: [14, 16], memoryGb: [32] },
  {
    chip: /Apple M4,/,
    builtIn: [AIR_13, ...AIR_15, ...PRO_14, IMAC_24],
    isMini: true,
    cores: [10],
    memoryGb: [16, 32],
  },
  { chip: /Apple M4 Pro,/, builtIn: BOTH_PRO, isMini: true, cores: [12, 14], memoryGb: [16, 32] },
  { chip: /Apple M4 Max,/, builtIn: BOTH_PRO, isMini: true, cores: [14, 16], memoryGb: [32] },
  { chip: /Apple M5,/, builtIn: [...PRO_14, AIR_13], isMini: false, cores: [10], memoryGb: [16, 32] },
  {
    chip: /Intel\(R\) UHD Graphics 630,/,
    builtIn: ['1680x1050', '1792x1120'],
    isMini: true,
    cores: [12],
    memoryGb: [16, 32],
  },
  {
    chip: /Intel\(R\) Iris\(TM\) Plus Graphics( 645| 655)?,/,
    builtIn: ['1440x900', '1680x1050'],
    isMini: false,
    cores: [8],
    memoryGb: [8, 16],
  },
  { chip: /Intel\(R\) UHD Graphics 617,/, builtIn: ['1440x900'], isMini: false, cores: [4], memoryGb: [8, 16] },
];

/** Screens people connect, in CSS pixels, with their scale. */
const EXTERNAL = ['1920x1080@1', '1920x1080@2', '2560x1440@1', '2560x1440@2', '3440x1440@1', '1680x1050@1'];

/** With a camera housing in the screen, where the menu bar is higher. */
const NOTCHED = new Set([AIR_13, ...AIR_15, ...PRO_14, ...PRO_16]);

type Screen = Device['screen'];

function toGpu(value: unknown): Gpu | undefined {
  const { vendor, renderer } = value as Gpu;
  const maker = /^ANGLE \((Apple|Intel), ANGLE Metal Renderer: .*, Unspecified Version\)$/.exec(renderer)?.[1];
  if (maker === undefined || vendor !== `Google Inc. (${maker})`) return undefined;
  return kindOf(renderer) && { maker: maker.toLowerCase() as Gpu['maker'], vendor, renderer };
}

function kindOf(renderer: string): Kind | undefined {
  return KINDS.find(({ chip }) => chip.test(renderer));
}

function sizeOf({ width, height }: Screen): string {
  return `${width}x${height}`;
}

function isBuiltIn(screen: Screen): boolean {
  return screen.devicePixelRatio === 2 && KINDS.some(({ builtIn }) => builtIn.includes(sizeOf(screen)));
}

function isExternal(screen: Screen): boolean {
  return EXTERNAL.includes(`${sizeOf(screen)}@${screen.devicePixelRatio}`);
}

/** Whether a menu bar is all that is missing of the screen, and the Dock below where it does not hide. */
function isUsualUse(screen: Screen): boolean {
  const { availTop, availLeft } = screen;
  const dock = screen.height - screen.availHeight - availTop;
  const [thinnest, thickest] = NOTCHED.has(sizeOf(screen)) ? [32, 44] : [24, 31];
  return (
    availLeft === 0 &&
    screen.availWidth === screen.width &&
    dock >= 0 &&
    dock <= 140 &&
    availTop >= thinnest &&
    availTop <= thickest
  );
}

function toScreen(value: unknown): Screen | undefined {
  const seen = value as Screen;
  if (!(isBuiltIn(seen) || isExternal(seen)) || !isUsualUse(seen)) return undefined;
  const { width, height, availWidth, availHeight, availLeft, availTop, devicePixelRatio } = seen;
  // The built-in screens show more colours than sRGB has; of others it is said by their depth.
  const isWide = seen.colorDepth === 30 && devicePixelRatio === 2;
  const colours = { colorDepth: isWide ? 30 : 24, colorGamut: isWide ? 'p3' : 'srgb' } as const;
  return { width, height, availWidth, availHeight, availLeft, availTop, devicePixelRatio, ...colours };
}

function toOs(value: unknown): (OsVersion & { architecture: string }) | undefined {
  const { platformVersion, architecture } = value as OsVersion & { architecture: string };
  const [, major, minor] = /^(14|15|26)\.(\d+)\.\d+$/.exec(platformVersion) ?? [];
  if (major === undefined || minor === undefined || !['arm', 'x86'].includes(architecture)) return undefined;
  return { osVersion: `${major}.${minor}`, platformVersion, architecture };
}

interface MacShares {
  readonly gpus: readonly Share<Gpu>[];
  readonly screens: readonly Share<Screen>[];
  readonly cores: readonly Share<number>[];
  readonly memory: readonly Share<number>[];
  readonly media: readonly Share<MediaCounts>[];
  readonly os: readonly Share<OsVersion & { architecture: string }>[];
}

/** A built-in screen is seldom given up for another, which most computers without one have. */
function pickScreen(random: SeededRandom, kind: Kind, screens: MacShares['screens']): Screen {
  return random.chance(kind.isMini ? 0.4 : 0.2)
    ? pick(random, screens, (each) => each.colorDepth === 24 && isExternal(each))
    : pick(random, screens, (each) => each.colorDepth === 30 && kind.builtIn.includes(sizeOf(each)));
}

function draw(random: SeededRandom, shares: MacShares): Device | undefined {
  const gpu = pick(random, shares.gpus);
  const kind = kindOf(gpu.renderer);
  if (kind === undefined) return undefined;
  const architecture = gpu.maker === 'apple' ? 'arm' : 'x86';
  const screen = pickScreen(random, kind, shares.screens);
  const cpuCores = pick(random, shares.cores, (each) => kind.cores.includes(each));
  const memoryGb = pick(random, shares.memory, (each) => kind.memoryGb.includes(each));
  const { osVersion, platformVersion } = pick(random, shares.os, (each) => each.architecture === architecture);
  const media = pick(random, shares.media, ([, videoInputs]) => videoInputs > 0 || screen.colorDepth === 24);
  const os = { osVersion, platformVersion };
  return { os, gpu, screen, architecture, cpuCores, memoryGb, maxTouchPoints: 0, media, model: '' };
}

/** Computers made by Apple. */
export function macosDevices(read: (property: string, mark: string) => Share<unknown>[]): Share<Device>[] {
  const of = (property: string): Share<unknown>[] => read(property, 'Macintosh');
  const shares: MacShares = {
    gpus: regroup(of('videoCard'), toGpu),
    screens: regroup(of('screen'), toScreen),
    cores: regroup(of('hardwareConcurrency'), (value) => value as number),
    memory: regroup(of('deviceMemory'), (value) => value as number),
    media: mediaShares(of('multimediaDevices')),
    os: regroup(of('userAgentData'), toOs),
  };
  return collect('macos', (random) => draw(random, shares), 2_500);
}
