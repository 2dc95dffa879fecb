import type { Device, Gpu, MediaCounts } from '../../../server/features/identity/index.ts';
import type { SeededRandom } from '../../../server/lib/seeded-random.ts';
import { mediaShares, type Panel, panelSize, toUsedPanel } from './desktop-network.ts';
import { collect, pick } from './device.ts';
import { regroup, type Share } from './network.ts';

interface Kind {
  readonly chip: RegExp;
  readonly form: 'laptop' | 'desktop';
  readonly cores: readonly number[];
  readonly memoryGb: readonly number[];
}

const KINDS: readonly Kind[] = [
  { chip: /NVIDIA GeForce .*Laptop GPU/, form: 'laptop', cores: [8, 12, 16, 20], memoryGb: [16, 32] },
  { chip: /NVIDIA GeForce RTX [345]0/, form: 'desktop', cores: [12, 16, 20, 24, 32], memoryGb: [16, 32] },
  { chip: /NVIDIA GeForce (GTX|RTX 20)/, form: 'desktop', cores: [8, 12, 16], memoryGb: [8, 16, 32] },
  { chip: /Radeon RX [69]\d/, form: 'desktop', cores: [12, 16, 24, 32], memoryGb: [16, 32] },
  { chip: /Radeon RX [45]/, form: 'desktop', cores: [8, 12, 16], memoryGb: [8, 16, 32] },
  { chip: /Radeon (Graphics|\d{3}M|Vega \d)/, form: 'laptop', cores: [8, 12, 16], memoryGb: [8, 16, 32] },
  { chip: /HD Graphics (4[46]00|520|5500|620) /, form: 'laptop', cores: [4], memoryGb: [4, 8, 16] },
  { chip: /HD Graphics [56]30 /, form: 'desktop', cores: [4, 8], memoryGb: [8, 16] },
  { chip: /UHD Graphics( 620)? \((KBL|WHL|CML|ICL|TGL|JSL)/, form: 'laptop', cores: [4, 8], memoryGb: [8, 16] },
  { chip: /UHD Graphics( [67][37]0)? \((CFL|CML|ADL|RKL)/, form: 'desktop', cores: [8, 12, 16], memoryGb: [8, 16, 32] },
  {
    chip: /(Iris\(R\) Xe Graphics|Arc\(tm\) Graphics|Intel\(R\) Graphics) \(/,
    form: 'laptop',
    cores: [8, 12, 16, 20],
    memoryGb: [8, 16, 32],
  },
];

/** What Chromium says over Mesa or a maker's driver, whichever of the two forms of OpenGL the device in the data used. */
const OPENGL = /^ANGLE \((Intel|AMD|NVIDIA Corporation), (.*), OpenGL( ES)? [34]\.\d(\.\d)?\)$/;

/** Chips and drivers too old for OpenGL ES 3.2. */
const TOO_OLD = /(SNB|IVB|oland)/;

/**
 * What desktops leave of the screen: GNOME with Ubuntu's dock and without, KDE, Cinnamon, XFCE. The network has few Linux devices, and
 * most of them on a tiling desktop that leaves all of it, so these are added.
 */
const USUAL_INSETS: readonly Share<readonly number[]>[] = [
  { value: [66, 32, 0, 0], weight: 30 },
  { value: [70, 27, 0, 0], weight: 20 },
  { value: [0, 32, 0, 0], weight: 15 },
  { value: [0, 27, 0, 0], weight: 8 },
  { value: [0, 0, 0, 44], weight: 14 },
  { value: [0, 0, 0, 40], weight: 10 },
  { value: [0, 26, 0, 0], weight: 3 },
];

type UsedPanel = Panel & { readonly insets: readonly number[] };

function toGpu(value: unknown): Gpu | undefined {
  const [, vendor, chip] = OPENGL.exec((value as Gpu).renderer) ?? [];
  if (vendor === undefined || chip === undefined || TOO_OLD.test(chip) || kindOf(chip) === undefined) return undefined;
  const maker = vendor === 'NVIDIA Corporation' ? 'nvidia' : vendor.toLowerCase();
  // The one form that stock Chromium can be made to say.
  return {
    maker: maker as Gpu['maker'],
    vendor: `Google Inc. (${vendor})`,
    renderer: `ANGLE (${vendor}, ${chip}, OpenGL ES 3.2)`,
  };
}

function kindOf(chip: string): Kind | undefined {
  return KINDS.find((kind) => kind.chip.test(chip));
}

function fitsForm(panel: Panel, form: 'laptop' | 'desktop'): boolean {
  const size = panelSize(panel);
  if (form === 'laptop') return panel.width <= 1920 && !['1280x1024', '1680x1050', '1440x900'].includes(size);
  return !['1366x768', '1280x800', '1920x1200', '2880x1800'].includes(size) && panel.devicePixelRatio === 1;
}

interface LinuxShares {
  readonly gpus: readonly Share<Gpu>[];
  readonly panels: readonly Share<UsedPanel>[];
  readonly cores: readonly Share<number>[];
  readonly memory: readonly Share<number>[];
  readonly media: readonly Share<MediaCounts>[];
}

function toScreen(panel: UsedPanel, random: SeededRandom): Device['screen'] {
  const isUsed = panel.insets.some((inset) => inset >= 24) && panel.insets.every((inset) => inset >= 0 && inset <= 80);
  const [left = 0, top = 0, right = 0, bottom = 0] = isUsed ? panel.insets : pick(random, USUAL_INSETS);
  const { width, height, devicePixelRatio } = panel;
  return {
    width,
    height,
    availWidth: width - left - right,
    availHeight: height - top - bottom,
    availLeft: left,
    availTop: top,
    devicePixelRatio,
    colorDepth: 24,
    colorGamut: 'srgb',
  };
}

function draw(random: SeededRandom, shares: LinuxShares): Device | undefined {
  const gpu = pick(random, shares.gpus);
  const kind = kindOf(gpu.renderer);
  if (kind === undefined) return undefined;
  const panel = pick(random, shares.panels, (each) => fitsForm(each, kind.form));
  const cpuCores = pick(random, shares.cores, (each) => kind.cores.includes(each));
  const memoryGb = pick(random, shares.memory, (each) => kind.memoryGb.includes(each));
  if (cpuCores <= 4 && memoryGb > 16) return undefined;
  const media = pick(random, shares.media, (each) => kind.form === 'desktop' || each.join() === '1,1,1');
  const os = { osVersion: '', platformVersion: '' };
  const screen = toScreen(panel, random);
  return { os, gpu, screen, architecture: 'x86', cpuCores, memoryGb, maxTouchPoints: 0, media, model: '' };
}

/** Computers that run Linux. */
export function linuxDevices(read: (property: string, mark: string) => Share<unknown>[]): Share<Device>[] {
  const of = (property: string): Share<unknown>[] => read(property, 'X11; Linux');
  const shares: LinuxShares = {
    gpus: regroup(of('videoCard'), toGpu),
    panels: regroup(of('screen'), toUsedPanel),
    cores: regroup(of('hardwareConcurrency'), (value) => value as number),
    memory: regroup(of('deviceMemory'), (value) => value as number),
    media: mediaShares(of('multimediaDevices')),
  };
  return collect('linux', (random) => draw(random, shares), 1_500);
}
