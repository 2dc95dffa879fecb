import type { CoherenceRuleId, Fingerprint, OsFamily } from '@guise/contract';

import type { CoherenceContext } from './coherence/coherence-rule.ts';
import { generateFingerprint } from './generate-fingerprint.ts';

/** Version of the browser that wears the fingerprints of these tests. */
export const BROWSER_VERSION = '156.0.8078.79';

type Changes<Value> = Value extends readonly unknown[]
  ? Value
  : Value extends object
    ? { readonly [Key in keyof Value]?: Changes<Value[Key]> }
    : Value;

/** A fingerprint that one change has made incoherent. */
interface IncoherentCase {
  readonly rule: CoherenceRuleId;
  readonly os: OsFamily;
  readonly what: string;
  readonly change: Changes<Fingerprint> | ((coherent: Fingerprint) => Partial<Fingerprint>);
  readonly context?: Partial<CoherenceContext>;
}

const WINDOWS_GPU = 'ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 (0x00002504) Direct3D11 vs_5_0 ps_5_0, D3D11)';
const MAC_GPU = 'ANGLE (Apple, ANGLE Metal Renderer: Apple M3, Unspecified Version)';
const SWIFTSHADER = 'ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)';
const LLVMPIPE = 'ANGLE (Mesa, llvmpipe (LLVM 19.1.7 256 bits), OpenGL ES 3.2)';
const VMWARE = 'ANGLE (VMware, Inc., VMware SVGA 3D (0x00000405) Direct3D11 vs_5_0 ps_5_0, D3D11)';

const without =
  (...families: readonly string[]) =>
  ({ fonts }: Fingerprint): Partial<Fingerprint> => ({ fonts: fonts.filter((family) => !families.includes(family)) });

const withFont =
  (family: string) =>
  ({ fonts }: Fingerprint): Partial<Fingerprint> => ({ fonts: [...fonts, family] });

const withProxy = (proxy: NonNullable<CoherenceContext['proxy']>): Partial<CoherenceContext> => ({ proxy });

/** Each derived from a coherent fingerprint by one change. */
export const INCOHERENT_CASES: readonly IncoherentCase[] = [
  { rule: 'S1', os: 'windows', what: 'an older major version', change: { browser: { version: '147.0.7727.138' } } },
  { rule: 'S1', os: 'macos', what: 'a newer major version', change: { browser: { version: '157.0.8100.3' } } },
  {
    rule: 'S1',
    os: 'android',
    what: 'a browser that was updated',
    change: {},
    context: { browserVersion: '158.0.1.2' },
  },

  {
    rule: 'S2',
    os: 'windows',
    what: 'the user agent of another system',
    change: { userAgent: agent('X11; Linux x86_64') },
  },
  {
    rule: 'S2',
    os: 'macos',
    what: 'a real version of macOS',
    change: { userAgent: agent('Macintosh; Intel Mac OS X 15_5') },
  },
  {
    rule: 'S2',
    os: 'android',
    what: 'a real version and model',
    change: { userAgent: agent('Linux; Android 15; Pixel 8') },
  },
  {
    rule: 'S2',
    os: 'android',
    what: 'a phone that does not say Mobile',
    change: { userAgent: agent('Linux; Android 10; K') },
  },
  {
    rule: 'S2',
    os: 'linux',
    what: 'a headless browser',
    change: ({ userAgent }) => ({ userAgent: userAgent.replace('Chrome/', 'HeadlessChrome/') }),
  },
  {
    rule: 'S2',
    os: 'linux',
    what: 'a full version',
    change: ({ userAgent }) => ({ userAgent: userAgent.replace('156.0.0.0', BROWSER_VERSION) }),
  },
  {
    rule: 'S2',
    os: 'windows',
    what: 'another browser',
    change: ({ userAgent }) => ({ userAgent: `${userAgent} Edg/156.0.0.0` }),
  },

  {
    rule: 'S3',
    os: 'windows',
    what: 'the brands of another version',
    change: { clientHints: { brands: [{ brand: 'Chromium', version: '147' }] } },
  },
  {
    rule: 'S3',
    os: 'windows',
    what: 'brands in another order',
    change: ({ clientHints }) => ({ clientHints: { ...clientHints, brands: clientHints.brands.toReversed() } }),
  },
  { rule: 'S3', os: 'macos', what: 'no brands', change: { clientHints: { brands: [], fullVersionList: [] } } },
  { rule: 'S3', os: 'linux', what: 'another brand', change: { browser: { brand: 'Chromium' } } },
  {
    rule: 'S3',
    os: 'android',
    what: 'full versions that end in zeros',
    change: ({ clientHints }) => ({ clientHints: { ...clientHints, fullVersionList: clientHints.brands } }),
  },
  {
    rule: 'S3',
    os: 'linux',
    what: 'another build of the same major version',
    change: {},
    context: { browserVersion: '156.0.8078.101' },
  },

  { rule: 'S4', os: 'windows', what: 'navigator.platform of Linux', change: { navigatorPlatform: 'Linux x86_64' } },
  { rule: 'S4', os: 'macos', what: 'navigator.platform as the hint has it', change: { navigatorPlatform: 'macOS' } },
  { rule: 'S4', os: 'windows', what: 'Win32 as hint', change: { clientHints: { platform: 'Win32' } } },
  { rule: 'S4', os: 'linux', what: 'a version of the kernel', change: { clientHints: { platformVersion: '6.8.0' } } },
  { rule: 'S4', os: 'windows', what: 'a version in words', change: { clientHints: { platformVersion: '11' } } },
  {
    rule: 'S4',
    os: 'windows',
    what: 'Windows 11 by name, 10 by hint',
    change: { osVersion: '11', clientHints: { platformVersion: '10.0.0' } },
  },
  { rule: 'S4', os: 'windows', what: 'Windows 7', change: { osVersion: '7' } },
  {
    rule: 'S4',
    os: 'macos',
    what: 'the frozen version of the user agent',
    change: { clientHints: { platformVersion: '10.15.7' } },
  },
  {
    rule: 'S4',
    os: 'macos',
    what: 'an Intel processor with a chip by Apple',
    change: { clientHints: { architecture: 'x86' } },
  },
  { rule: 'S4', os: 'macos', what: 'a model', change: { clientHints: { model: 'MacBookPro18,1' } } },
  { rule: 'S4', os: 'android', what: 'no model', change: { clientHints: { model: '' } } },
  {
    rule: 'S4',
    os: 'android',
    what: 'an architecture',
    change: { clientHints: { architecture: 'arm', bitness: '64' } },
  },
  {
    rule: 'S4',
    os: 'android',
    what: 'a version too old for the browser',
    change: { osVersion: '7', clientHints: { platformVersion: '7.0.0' } },
  },
  { rule: 'S4', os: 'windows', what: '32 bits', change: { clientHints: { bitness: '32' } } },
  { rule: 'S4', os: 'windows', what: 'a 32-bit browser', change: { clientHints: { wow64: true } } },

  {
    rule: 'S5',
    os: 'windows',
    what: 'SwiftShader',
    change: { gpu: { vendor: 'Google Inc. (Google)', renderer: SWIFTSHADER } },
  },
  { rule: 'S5', os: 'linux', what: 'llvmpipe', change: { gpu: { vendor: 'Google Inc. (Mesa)', renderer: LLVMPIPE } } },
  {
    rule: 'S5',
    os: 'windows',
    what: 'a virtual machine',
    change: { gpu: { vendor: 'Google Inc. (VMware, Inc.)', renderer: VMWARE } },
  },
  {
    rule: 'S5',
    os: 'macos',
    what: 'Direct3D',
    change: { gpu: { vendor: 'Google Inc. (NVIDIA)', renderer: WINDOWS_GPU } },
  },
  { rule: 'S5', os: 'windows', what: 'Metal', change: { gpu: { vendor: 'Google Inc. (Apple)', renderer: MAC_GPU } } },
  {
    rule: 'S5',
    os: 'android',
    what: 'the chip without ANGLE',
    change: { gpu: { vendor: 'Qualcomm', renderer: 'Adreno (TM) 740' } },
  },
  {
    rule: 'S5',
    os: 'android',
    what: 'a chip of computers',
    change: {
      gpu: { vendor: 'Google Inc. (Intel)', renderer: 'ANGLE (Intel, Mesa Intel(R) UHD Graphics, OpenGL ES 3.2)' },
    },
  },
  {
    rule: 'S5',
    os: 'windows',
    what: 'OpenGL on Windows',
    change: {
      gpu: { vendor: 'Google Inc. (NVIDIA)', renderer: 'ANGLE (NVIDIA, NVIDIA GeForce RTX 3060, OpenGL ES 3.2)' },
    },
  },
  {
    rule: 'S5',
    os: 'windows',
    what: 'the chip of another maker',
    change: {
      gpu: {
        vendor: 'Google Inc. (AMD)',
        renderer: WINDOWS_GPU.replace('(NVIDIA,', '(AMD,').replace('NVIDIA GeForce RTX', 'GeForce RTX'),
      },
    },
  },
  {
    rule: 'S5',
    os: 'windows',
    what: 'the vendor of another chip',
    change: { gpu: { vendor: 'Google Inc. (Matrox)' } },
  },

  { rule: 'S6', os: 'windows', what: 'half a gigabyte', change: { hardware: { memoryGb: 0.5 } } },
  { rule: 'S6', os: 'macos', what: 'memory no browser tells', change: { hardware: { memoryGb: 12 } } },
  { rule: 'S6', os: 'linux', what: 'more memory than is told', change: { hardware: { memoryGb: 64 } } },
  { rule: 'S6', os: 'android', what: 'more memory than phones tell', change: { hardware: { memoryGb: 16 } } },
  { rule: 'S6', os: 'windows', what: 'an odd number of cores', change: { hardware: { cpuCores: 7 } } },
  { rule: 'S6', os: 'linux', what: 'a server', change: { hardware: { cpuCores: 96 } } },
  { rule: 'S6', os: 'macos', what: 'more cores than the chip has', change: { hardware: { cpuCores: 24 } } },
  { rule: 'S6', os: 'windows', what: 'one core', change: { hardware: { cpuCores: 1 } } },
  {
    rule: 'S6',
    os: 'windows',
    what: 'more cores than can be told',
    change: { hardware: { cpuCores: 16, memoryGb: 4 } },
    context: { host: { cpuCores: 4, memoryGb: 8 } },
  },
  {
    rule: 'S6',
    os: 'linux',
    what: 'more memory than can be told',
    change: { hardware: { cpuCores: 4, memoryGb: 32 } },
    context: { host: { cpuCores: 4, memoryGb: 7.6 } },
  },

  {
    rule: 'S7',
    os: 'windows',
    what: 'no task bar',
    change: ({ screen }) => ({ screen: { ...screen, availHeight: screen.height } }),
  },
  { rule: 'S7', os: 'macos', what: 'no menu bar', change: ({ screen }) => ({ screen: { ...screen, availTop: 0 } }) },
  {
    rule: 'S7',
    os: 'windows',
    what: 'more left than there is',
    change: ({ screen }) => ({ screen: { ...screen, availWidth: screen.width + 8 } }),
  },
  { rule: 'S7', os: 'windows', what: 'a scale of phones', change: { screen: { devicePixelRatio: 2.625 } } },
  { rule: 'S7', os: 'macos', what: 'a scale of Windows', change: { screen: { devicePixelRatio: 1.25 } } },
  {
    rule: 'S7',
    os: 'linux',
    what: 'broken physical pixels',
    change: { screen: { width: 1367, height: 768, devicePixelRatio: 1.5 } },
  },
  {
    rule: 'S7',
    os: 'android',
    what: 'a bar on a phone',
    change: ({ screen }) => ({ screen: { ...screen, availHeight: screen.height - 40 } }),
  },
  {
    rule: 'S7',
    os: 'android',
    what: 'a phone that lies',
    change: {
      screen: { width: 915, height: 412, availWidth: 915, availHeight: 412 },
      window: { width: 915, height: 412 },
    },
  },
  { rule: 'S7', os: 'android', what: 'a window on a phone', change: { window: { height: 600 } } },
  { rule: 'S7', os: 'windows', what: 'a window beyond the screen', change: { window: { width: 5_000 } } },
  {
    rule: 'S7',
    os: 'windows',
    what: 'a window over the task bar',
    change: ({ screen, window }) => ({ window: { ...window, y: 0, height: screen.height } }),
  },
  { rule: 'S7', os: 'linux', what: 'a window of a few pixels', change: { window: { width: 100, height: 80 } } },
  { rule: 'S7', os: 'windows', what: 'the colours of a Mac', change: { screen: { colorDepth: 30, colorGamut: 'p3' } } },

  { rule: 'S8', os: 'macos', what: 'a Mac that feels fingers', change: { hardware: { maxTouchPoints: 5 } } },
  { rule: 'S8', os: 'android', what: 'a phone that feels none', change: { hardware: { maxTouchPoints: 0 } } },
  { rule: 'S8', os: 'windows', what: 'fifty fingers', change: { hardware: { maxTouchPoints: 50 } } },
  { rule: 'S8', os: 'windows', what: 'a mobile computer', change: { clientHints: { mobile: true } } },
  { rule: 'S8', os: 'android', what: 'a phone that is not mobile', change: { clientHints: { mobile: false } } },

  { rule: 'S9', os: 'windows', what: 'another language first', change: { languages: ['fr-FR', 'fr', 'en-US', 'en'] } },
  {
    rule: 'S9',
    os: 'macos',
    what: 'a locale Chromium does not speak',
    change: { locale: 'cy-GB', languages: ['cy-GB', 'cy'] },
  },
  {
    rule: 'S9',
    os: 'linux',
    what: 'a language twice',
    change: ({ languages }) => ({ languages: [...languages, ...languages] }),
  },
  {
    rule: 'S9',
    os: 'android',
    what: 'a language in the wrong case',
    change: ({ languages }) => ({ languages: [...languages, 'EN-gb'] }),
  },

  { rule: 'S10', os: 'windows', what: 'a time zone that is none', change: { timezone: 'Mars/Olympus' } },
  { rule: 'S10', os: 'macos', what: 'an offset as time zone', change: { timezone: '+05:30' } },
  {
    rule: 'S10',
    os: 'linux',
    what: 'a place on the other side of the world',
    change: {
      timezone: 'Europe/Berlin',
      geolocation: { mode: 'allow', latitude: 35.7, longitude: 139.7, accuracy: 50 },
    },
  },
  {
    rule: 'S10',
    os: 'windows',
    what: 'a proxy in another time zone',
    change: { timezone: 'America/New_York' },
    context: withProxy({ country: 'DE' }),
  },
  {
    rule: 'S10',
    os: 'android',
    what: 'another clock than at the exit',
    change: { timezone: 'America/New_York' },
    context: withProxy({ country: 'US', timezone: 'America/Los_Angeles' }),
  },
  {
    rule: 'S10',
    os: 'macos',
    what: 'a language few speak where the proxy leaves',
    change: { timezone: 'Asia/Tokyo', locale: 'de-DE', languages: ['de-DE', 'de', 'en-US', 'en'] },
    context: withProxy({ country: 'JP' }),
  },

  { rule: 'S11', os: 'windows', what: 'fonts of Linux', change: withFont('DejaVu Sans') },
  { rule: 'S11', os: 'macos', what: 'fonts of servers', change: withFont('Liberation Sans') },
  { rule: 'S11', os: 'windows', what: 'fonts of a Mac', change: withFont('Helvetica Neue') },
  { rule: 'S11', os: 'macos', what: 'fonts of Windows', change: withFont('Segoe UI') },
  { rule: 'S11', os: 'linux', what: 'Windows fonts on Linux', change: withFont('Segoe UI') },
  { rule: 'S11', os: 'android', what: 'fonts of computers on a phone', change: withFont('Calibri') },
  { rule: 'S11', os: 'windows', what: 'no fonts of Windows', change: without('Segoe UI', 'Calibri') },
  { rule: 'S11', os: 'macos', what: 'no emoji of Apple', change: without('Apple Color Emoji') },
  { rule: 'S11', os: 'android', what: 'no fonts at all', change: { fonts: [] } },
  { rule: 'S11', os: 'windows', what: 'Windows 11 with the fonts of 10', change: without('Segoe Fluent Icons') },

  { rule: 'S12', os: 'windows', what: 'a mobile form factor', change: { clientHints: { formFactors: ['Mobile'] } } },
  { rule: 'S12', os: 'android', what: 'a desktop form factor', change: { clientHints: { formFactors: ['Desktop'] } } },
  { rule: 'S12', os: 'macos', what: 'no form factor', change: { clientHints: { formFactors: [] } } },

  {
    rule: 'S13',
    os: 'windows',
    what: 'WebRTC past a proxy',
    change: { webrtcPolicy: 'default' },
    context: withProxy({}),
  },
  {
    rule: 'S13',
    os: 'linux',
    what: 'WebRTC past a proxy that takes UDP',
    change: { webrtcPolicy: 'default' },
    context: withProxy({ hasUdp: true }),
  },
  {
    rule: 'S13',
    os: 'macos',
    what: 'UDP with a proxy that takes none',
    change: { webrtcPolicy: 'default_public_interface_only' },
    context: withProxy({ hasUdp: false }),
  },

  {
    rule: 'S14',
    os: 'macos',
    what: 'voices by Microsoft on a Mac',
    change: { voices: [voice('Microsoft Zira - English (United States)', 'en-US')] },
  },
  { rule: 'S14', os: 'windows', what: 'voices of a Mac', change: { voices: [voice('Samantha', 'en-US')] } },
  { rule: 'S14', os: 'windows', what: 'no voices', change: { voices: [] } },
  {
    rule: 'S14',
    os: 'windows',
    what: 'two default voices',
    change: ({ voices }) => ({ voices: voices.map((each) => ({ ...each, isDefault: true })) }),
  },
  {
    rule: 'S14',
    os: 'android',
    what: 'voices of another language only',
    change: { voices: [voice('Japanese Japan', 'ja-JP')] },
  },
  {
    rule: 'S14',
    os: 'linux',
    what: "Google's voices in Chromium",
    change: ({ clientHints, browser }) => ({
      browser: { ...browser, brand: 'Chromium' },
      clientHints,
      voices: [{ ...voice('Google US English', 'en-US'), isLocal: false }],
    }),
  },
  { rule: 'S14', os: 'android', what: 'a phone without a microphone', change: { media: { audioInputs: 0 } } },
  { rule: 'S14', os: 'macos', what: 'a Mac without a speaker', change: { media: { audioOutputs: 0 } } },
  { rule: 'S14', os: 'windows', what: 'a dozen cameras', change: { media: { videoInputs: 12 } } },

  { rule: 'S15', os: 'windows', what: 'a profile in use', change: {}, context: { isLocked: true } },
  { rule: 'S15', os: 'macos', what: 'a proxy of another profile', change: {}, context: { sharesProxy: true } },
];

function agent(system: string): string {
  return `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36`;
}

function voice(name: string, lang: string): Fingerprint['voices'][number] {
  return { name, lang, isDefault: true, isLocal: true };
}

function merge<Value>(value: Value, changes: Changes<Value>): Value {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return changes as Value;
  const merged: Record<string, unknown> = { ...(value as Record<string, unknown>) };
  for (const [key, change] of Object.entries(changes as object)) merged[key] = merge(merged[key], change as never);
  return merged as Value;
}

/** The coherent fingerprint a case starts from: in English, so that each change is the only odd thing. */
export function coherentFor(os: OsFamily): Fingerprint {
  // A Mac by Apple and a Windows 11, as some of the changes take for granted.
  const constraints = { windows: { osVersion: '11' }, macos: { gpu: 'apple' }, linux: {}, android: {} } as const;
  const region = { locale: 'en-US', timezone: 'America/New_York', seed: 11 };
  return generateFingerprint({ os, ...region, ...constraints[os] }, { browserVersion: BROWSER_VERSION });
}

/** The fingerprint of a case, and what it is looked at with. */
export function incoherentFor({ os, change, context }: IncoherentCase): {
  readonly fingerprint: Fingerprint;
  readonly context: CoherenceContext;
} {
  const coherent = coherentFor(os);
  const fingerprint = typeof change === 'function' ? { ...coherent, ...change(coherent) } : merge(coherent, change);
  return { fingerprint, context: { browserVersion: BROWSER_VERSION, ...context } };
}
