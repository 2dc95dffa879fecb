import { type Fingerprint, GPU_MAKERS, type GpuMaker, type OsFamily } from '@guise/contract';

/** How a maker is named in the strings of WebGL, and what its chips are called. */
interface MakerNames {
  readonly vendor: RegExp;
  readonly chip: RegExp;
}

const MAKERS: Readonly<Record<GpuMaker, MakerNames>> = {
  nvidia: { vendor: /^NVIDIA( Corporation)?$/, chip: /(GeForce|Quadro|NVIDIA (RTX|T\d|TITAN|NVS|GB))/ },
  amd: { vendor: /^(AMD|ATI Technologies Inc\.)$/, chip: /(Radeon|AMD|FirePro|RENOIR)/ },
  intel: { vendor: /^Intel( Inc\.)?$/, chip: /Intel/ },
  apple: { vendor: /^Apple$/, chip: /Apple M\d/ },
  arm: { vendor: /^ARM$/, chip: /^Mali-/ },
  qualcomm: { vendor: /^Qualcomm$/, chip: /Adreno/ },
  imagination: { vendor: /^Imagination Technologies$/, chip: /PowerVR/ },
};

/** How the renderer is put together on a system: `ANGLE (maker, chip, interface)`. The first group is the maker, the second the chip. */
const RENDERERS: Readonly<Record<OsFamily, RegExp>> = {
  windows: /^ANGLE \(([^,]+), (.+ \(0x[0-9A-F]{8}\)) Direct3D11 vs_5_0 ps_5_0, D3D11\)$/,
  macos: /^ANGLE \(([^,]+), ANGLE Metal Renderer: (.+), Unspecified Version\)$/,
  linux: /^ANGLE \(([^,]+), (.+), OpenGL( ES)? [34]\.\d(\.\d)?\)$/,
  android: /^ANGLE \(([^,]+), (.+), OpenGL ES 3\.[0-2]\)$/,
};

/** Whose chips there are in devices of a system. */
const MAKERS_BY_OS: Readonly<Record<OsFamily, readonly GpuMaker[]>> = {
  windows: ['nvidia', 'amd', 'intel', 'qualcomm'],
  macos: ['apple', 'intel', 'amd'],
  linux: ['nvidia', 'amd', 'intel'],
  android: ['arm', 'qualcomm', 'imagination'],
};

/** What draws without a graphics chip, or in a virtual machine. */
const UNREAL =
  /SwiftShader|llvmpipe|softpipe|Basic Render|Software|VMware|VirtualBox|Parallels|virgl|SVGA|QXL|Paravirtual|Emulator|zink/i;

/** Who made the chip a renderer names; undefined for one that is not `ANGLE (maker, chip, …)` of a known maker. */
export function gpuMakerOf(renderer: string): GpuMaker | undefined {
  const [, vendor] = /^ANGLE \(([^,]+), /.exec(renderer) ?? [];
  return vendor === undefined ? undefined : GPU_MAKERS.find((maker) => MAKERS[maker].vendor.test(vendor));
}

/** Why no device of a system names its graphics so; undefined where one could. */
export function whyNotGpu(os: OsFamily, { renderer }: Fingerprint['gpu']): string | undefined {
  if (UNREAL.test(renderer)) return 'is drawn by software or by a virtual machine';
  const [, , chip] = RENDERERS[os].exec(renderer) ?? [];
  if (chip === undefined) return `is not put together as on ${os}`;
  const maker = gpuMakerOf(renderer);
  if (maker === undefined || !MAKERS_BY_OS[os].includes(maker))
    return `is of a maker whose chips are in no ${os} device`;
  return MAKERS[maker].chip.test(chip) ? undefined : `is no chip by ${maker}`;
}

/** UNMASKED_VENDOR_WEBGL beside a renderer. */
export function vendorOf(renderer: string): string {
  const [, vendor = ''] = /^ANGLE \(([^,]+), /.exec(renderer) ?? [];
  return `Google Inc. (${vendor})`;
}
