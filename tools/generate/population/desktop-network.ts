import type { MediaCounts } from '../../../server/features/identity/index.ts';
import { regroup, type Share } from './network.ts';

interface NetworkScreen {
  readonly width: number;
  readonly height: number;
  readonly availWidth: number;
  readonly availHeight: number;
  readonly availLeft: number;
  readonly availTop: number;
  readonly devicePixelRatio: number;
}

interface NetworkDevices {
  readonly micros: readonly unknown[];
  readonly webcams: readonly unknown[];
  readonly speakers: readonly unknown[];
}

export interface Panel {
  readonly width: number;
  readonly height: number;
  readonly devicePixelRatio: number;
}

/** Sizes in which screens of computers are made, in physical pixels, with the scales people set them to. */
const MADE_PANELS: Readonly<Record<string, readonly number[]>> = {
  '1280x800': [1],
  '1280x1024': [1],
  '1366x768': [1],
  '1440x900': [1],
  '1600x900': [1],
  '1680x1050': [1],
  '1920x1080': [1, 1.25, 1.5],
  '1920x1200': [1, 1.25, 1.5],
  '2560x1080': [1],
  '2560x1440': [1, 1.25, 2],
  '2560x1600': [1, 1.25, 2],
  '2736x1824': [2],
  '2880x1800': [1.5, 2],
  '3000x2000': [2],
  '3440x1440': [1, 1.25],
  '3840x2160': [1, 1.5, 2, 2.5],
  '3840x2400': [2, 2.5],
  '5120x1440': [1],
};

/** Physical size, such as 1920x1080. */
export function panelSize({ width, height, devicePixelRatio }: Panel): string {
  return `${width * devicePixelRatio}x${height * devicePixelRatio}`;
}

export function toPanel(value: unknown): Panel | undefined {
  const { width, height, devicePixelRatio } = value as NetworkScreen;
  const panel = { width, height, devicePixelRatio };
  return MADE_PANELS[panelSize(panel)]?.includes(devicePixelRatio) === true ? panel : undefined;
}

/** Screens with what the system leaves of them, where it stands at their left and top edge: not a second screen. */
export function toUsedPanel(value: unknown): (Panel & { insets: readonly number[] }) | undefined {
  const panel = toPanel(value);
  const { width, height, availWidth, availHeight, availLeft, availTop } = value as NetworkScreen;
  if (panel === undefined || availLeft > 100 || availTop > 60) return undefined;
  return { ...panel, insets: [availLeft, availTop, width - availWidth - availLeft, height - availHeight - availTop] };
}

const KNOWN_MEDIA = ['1,1,1', '1,0,1', '0,0,1', '0,1,1'];

/** How many microphones, cameras and speakers devices have. */
export function mediaShares(shares: readonly Share<unknown>[]): Share<MediaCounts>[] {
  return regroup<MediaCounts>(shares, (value) => {
    const { micros, webcams, speakers } = value as NetworkDevices;
    const media = [micros.length, webcams.length, speakers.length] as const;
    return KNOWN_MEDIA.includes(media.join()) ? media : undefined;
  });
}
