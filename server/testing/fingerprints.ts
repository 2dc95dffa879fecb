import { type ClientHints, type Fingerprint, FINGERPRINT_SCHEMA, type OsFamily } from '@guise/contract';

const brandsOf = (version: string): ClientHints['brands'] => [
  { brand: 'Not:A-Brand', version: version.includes('.') ? '8.0.0.0' : '8' },
  { brand: 'Chromium', version },
  { brand: 'Google Chrome', version },
];

const DESKTOP = { model: '', mobile: false, wow64: false, formFactors: ['Desktop'], bitness: '64' };

const voice = (name: string, lang: string, isDefault = false): Fingerprint['voices'][number] => ({
  name,
  lang,
  isDefault,
  isLocal: true,
});

type Particular = Pick<
  Fingerprint,
  | 'os'
  | 'osVersion'
  | 'navigatorPlatform'
  | 'locale'
  | 'languages'
  | 'timezone'
  | 'screen'
  | 'window'
  | 'hardware'
  | 'gpu'
  | 'fonts'
  | 'voices'
> & { readonly system: string; readonly hints: Omit<ClientHints, 'brands' | 'fullVersionList'> };

const WINDOWS: Particular = {
  os: 'windows',
  osVersion: '11',
  system: 'Windows NT 10.0; Win64; x64',
  hints: { ...DESKTOP, platform: 'Windows', platformVersion: '19.0.0', architecture: 'x86' },
  navigatorPlatform: 'Win32',
  locale: 'de-DE',
  languages: ['de-DE', 'de', 'en-US', 'en'],
  timezone: 'Europe/Berlin',
  screen: {
    width: 1536,
    height: 864,
    availWidth: 1536,
    availHeight: 816,
    availLeft: 0,
    availTop: 0,
    devicePixelRatio: 1.25,
    colorDepth: 24,
    colorGamut: 'srgb',
  },
  window: { x: 0, y: 0, width: 1536, height: 816 },
  hardware: { cpuCores: 12, memoryGb: 16, maxTouchPoints: 0 },
  gpu: {
    vendor: 'Google Inc. (NVIDIA)',
    renderer: 'ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 (0x00002504) Direct3D11 vs_5_0 ps_5_0, D3D11)',
  },
  fonts: [
    'Arial',
    'Calibri',
    'Cambria Math',
    'Consolas',
    'Courier New',
    'Microsoft YaHei',
    'Nirmala UI',
    'Segoe UI',
    'Segoe UI Emoji',
    'Segoe Fluent Icons',
    'Tahoma',
    'Times New Roman',
    'Verdana',
    'Frobnicate Sans',
  ],
  voices: [
    voice('Microsoft Hedda - German (Germany)', 'de-DE', true),
    voice('Microsoft Mark - English (United States)', 'en-US'),
  ],
};

const MACOS: Particular = {
  os: 'macos',
  osVersion: '15.5',
  system: 'Macintosh; Intel Mac OS X 10_15_7',
  hints: { ...DESKTOP, platform: 'macOS', platformVersion: '15.5.0', architecture: 'arm' },
  navigatorPlatform: 'MacIntel',
  locale: 'en-GB',
  languages: ['en-GB', 'en-US', 'en'],
  timezone: 'Europe/London',
  screen: {
    width: 1512,
    height: 982,
    availWidth: 1512,
    availHeight: 949,
    availLeft: 0,
    availTop: 33,
    devicePixelRatio: 2,
    colorDepth: 30,
    colorGamut: 'p3',
  },
  window: { x: 60, y: 40, width: 1300, height: 860 },
  hardware: { cpuCores: 10, memoryGb: 16, maxTouchPoints: 0 },
  gpu: {
    vendor: 'Google Inc. (Apple)',
    renderer: 'ANGLE (Apple, ANGLE Metal Renderer: Apple M3, Unspecified Version)',
  },
  fonts: [
    'Apple Color Emoji',
    'Arial',
    'Courier',
    'Geneva',
    'Helvetica',
    'Helvetica Neue',
    'Menlo',
    'PingFang SC',
    'Times',
    'Times New Roman',
  ],
  voices: [voice('Daniel', 'en-GB', true), voice('Samantha', 'en-US')],
};

const LINUX: Particular = {
  os: 'linux',
  osVersion: '',
  system: 'X11; Linux x86_64',
  hints: { ...DESKTOP, platform: 'Linux', platformVersion: '', architecture: 'x86' },
  navigatorPlatform: 'Linux x86_64',
  locale: 'en-US',
  languages: ['en-US', 'en'],
  timezone: 'America/New_York',
  screen: {
    width: 1920,
    height: 1080,
    availWidth: 1854,
    availHeight: 1048,
    availLeft: 66,
    availTop: 32,
    devicePixelRatio: 1,
    colorDepth: 24,
    colorGamut: 'srgb',
  },
  window: { x: 66, y: 32, width: 1854, height: 1048 },
  hardware: { cpuCores: 8, memoryGb: 8, maxTouchPoints: 0 },
  gpu: {
    vendor: 'Google Inc. (Intel)',
    renderer: 'ANGLE (Intel, Mesa Intel(R) UHD Graphics 630 (CFL GT2), OpenGL ES 3.2)',
  },
  fonts: [
    'DejaVu Sans',
    'DejaVu Sans Mono',
    'DejaVu Serif',
    'Liberation Mono',
    'Liberation Sans',
    'Liberation Serif',
    'Noto Color Emoji',
    'Ubuntu',
  ],
  voices: [],
};

const ANDROID: Particular = {
  os: 'android',
  osVersion: '15',
  system: 'Linux; Android 10; K',
  hints: {
    platform: 'Android',
    platformVersion: '15.0.0',
    architecture: '',
    bitness: '',
    model: 'Pixel 8',
    mobile: true,
    wow64: false,
    formFactors: ['Mobile'],
  },
  navigatorPlatform: 'Linux armv81',
  locale: 'fr-FR',
  languages: ['fr-FR', 'fr', 'en-US', 'en'],
  timezone: 'Europe/Paris',
  screen: {
    width: 412,
    height: 915,
    availWidth: 412,
    availHeight: 915,
    availLeft: 0,
    availTop: 0,
    devicePixelRatio: 2.625,
    colorDepth: 24,
    colorGamut: 'srgb',
  },
  window: { x: 0, y: 0, width: 412, height: 785 },
  hardware: { cpuCores: 8, memoryGb: 8, maxTouchPoints: 5 },
  gpu: { vendor: 'Google Inc. (ARM)', renderer: 'ANGLE (ARM, Mali-G715, OpenGL ES 3.2)' },
  fonts: ['Roboto', 'Noto Serif', 'Droid Sans Mono', 'Noto Color Emoji'],
  voices: [voice('French France', 'fr-FR', true)],
};

const PARTICULARS: Readonly<Record<OsFamily, Particular>> = {
  windows: WINDOWS,
  macos: MACOS,
  linux: LINUX,
  android: ANDROID,
};

/** A coherent fingerprint of a system, for the Chromium of this version. */
export function testFingerprint(os: OsFamily, version: string): Fingerprint {
  const { system, hints, ...particular } = PARTICULARS[os];
  const [major = ''] = version.split('.');
  const product = `Chrome/${major}.0.0.0${hints.mobile ? ' Mobile' : ''} Safari/537.36`;
  return {
    ...particular,
    schema: FINGERPRINT_SCHEMA,
    seed: 1,
    browser: { brand: 'Google Chrome', version },
    userAgent: `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) ${product}`,
    clientHints: { ...hints, brands: brandsOf(major), fullVersionList: brandsOf(version) },
    geolocation: { mode: 'prompt' },
    media: { audioInputs: 1, videoInputs: 1, audioOutputs: 1 },
    webrtcPolicy: 'disable_non_proxied_udp',
    colorScheme: 'light',
    doNotTrack: false,
  };
}
