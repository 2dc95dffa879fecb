import type { Fingerprint } from '@guise/contract';

import type { HomeFile } from '../../../browser/index.ts';
import { escapeXml } from './font-config.ts';

/** How ANGLE names a card it drives through OpenGL ES: `ANGLE (vendor, renderer, OpenGL ES 3.2)`, by Chromium 156 on Mesa. */
const ANGLE_NAME = /^ANGLE \((?<vendor>[^,]+), (?<renderer>.+), (?<api>[^,]+)\)$/;
const NATIVE_API = 'OpenGL ES 3.2';

/** How a browser comes by its graphics card. */
export interface GpuPlan {
  readonly flags: readonly string[];
  readonly files: readonly HomeFile[];
  /** What a script has to put right of it; undefined when every realm says it natively. */
  readonly script: Fingerprint['gpu'] | undefined;
}

function mesaConfig(vendor: string, renderer: string): string {
  const option = (name: string, value: string): string => `<option name="${name}" value="${escapeXml(value)}"/>`;
  return `<driconf><device><application name="all">${option('force_gl_vendor', vendor)}${option('force_gl_renderer', renderer)}</application></device></driconf>\n`;
}

/**
 * Names the graphics card: Mesa's software renderer takes any vendor and renderer from a file, and ANGLE puts them into its own
 * form. That is exact where the form is that of OpenGL ES (Android, Linux); Direct3D and Metal are left to the script. Pure.
 */
export function planGpu({ gpu }: Fingerprint, hasLlvmpipe: boolean): GpuPlan {
  const { vendor, renderer, api } = ANGLE_NAME.exec(gpu.renderer)?.groups ?? {};
  if (!hasLlvmpipe || vendor === undefined || renderer === undefined) {
    // A browser with a window has no WebGL of its own without a card.
    return { flags: ['--enable-unsafe-swiftshader'], files: [], script: gpu };
  }
  const isNative = api === NATIVE_API && gpu.vendor === `Google Inc. (${vendor})`;
  return {
    flags: [
      '--use-angle=gl-egl',
      '--ignore-gpu-blocklist',
      // Pages are drawn by the processor all the same; by way of Mesa it would take twice as long.
      '--disable-gpu-compositing',
      '--disable-gpu-rasterization',
    ],
    files: [{ path: '.drirc', content: mesaConfig(vendor, renderer) }],
    script: isNative ? undefined : gpu,
  };
}
