import type { Fingerprint } from '@guise/contract';

import { MARKER_FAMILIES } from '../marker-families.ts';
import type { ProbeRequest, ProbeResult, RealmReport, RealmValue } from '../probe-run.ts';
import { listRealms, REALM_TREE } from '../realms.ts';

type Values = Readonly<Record<string, RealmValue>>;

const GPU = {
  vendor: 'Google Inc. (NVIDIA)',
  renderer: 'ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 (0x00002504) Direct3D11 vs_5_0 ps_5_0, D3D11)',
};
const VERSION = '156.0.8078.79';
const FONTS = ['Arial', 'Calibri', 'Consolas', 'Segoe UI'];
const GL = { unmaskedVendor: GPU.vendor, unmaskedRenderer: GPU.renderer };
const brands = (major: string, other: string): { brand: string; version: string }[] => [
  { brand: 'Not:A-Brand', version: other },
  { brand: 'Chromium', version: major },
  { brand: 'Google Chrome', version: major },
];

/** A fingerprint that holds together, as far as these tests look. */
export const SAMPLE_FINGERPRINT: Fingerprint = {
  schema: 'guise/fingerprint/1',
  seed: 1,
  os: 'windows',
  osVersion: '11',
  browser: { brand: 'Google Chrome', version: VERSION },
  userAgent:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
  clientHints: {
    brands: brands('156', '8'),
    fullVersionList: brands(VERSION, '8.0.0.0'),
    platform: 'Windows',
    platformVersion: '19.0.0',
    architecture: 'x86',
    bitness: '64',
    model: '',
    mobile: false,
    wow64: false,
    formFactors: ['Desktop'],
  },
  navigatorPlatform: 'Win32',
  locale: 'de-DE',
  languages: ['de-DE', 'de', 'en'],
  timezone: 'Europe/Berlin',
  geolocation: { mode: 'prompt' },
  screen: {
    width: 1920,
    height: 1080,
    availWidth: 1920,
    availHeight: 1032,
    availLeft: 0,
    availTop: 0,
    devicePixelRatio: 1,
    colorDepth: 24,
    colorGamut: 'srgb',
  },
  window: { x: 0, y: 0, width: 1920, height: 1032 },
  hardware: { cpuCores: 8, memoryGb: 8, maxTouchPoints: 0 },
  gpu: GPU,
  fonts: FONTS,
  voices: [{ name: 'Microsoft Hedda', lang: 'de-DE', isDefault: true, isLocal: true }],
  media: { audioInputs: 1, videoInputs: 1, audioOutputs: 1 },
  webrtcPolicy: 'disable_non_proxied_udp',
  colorScheme: 'light',
  doNotTrack: false,
};

/** What a browser with that fingerprint says in every realm. */
const SAMPLE_VALUES: Values = {
  userAgent: SAMPLE_FINGERPRINT.userAgent,
  appVersion: SAMPLE_FINGERPRINT.userAgent.slice('Mozilla/'.length),
  language: 'de-DE',
  languages: SAMPLE_FINGERPRINT.languages,
  hardwareConcurrency: 8,
  deviceMemory: 8,
  maxTouchPoints: 0,
  doNotTrack: null,
  webdriver: false,
  ...SAMPLE_FINGERPRINT.clientHints,
  // The client hints have a platform of their own.
  platform: 'Win32',
  hintPlatform: 'Windows',
  uaFullVersion: VERSION,
  timezone: 'Europe/Berlin',
  timezoneOffsets: [-60, -120],
  intlLocale: 'de',
  numberLocale: 'de',
  collatorLocale: 'de',
  gl: GL,
  gl2: GL,
  canvasGl: GL,
  localFonts: FONTS,
  // What is no Helvetica is drawn with Arial.
  fonts: [...FONTS, 'Helvetica'],
  styledFonts: [...FONTS, 'Helvetica'],
  apis: ['SharedWorker', 'EyeDropper', 'HID'],
  heapLimit: 4_395_630_592,
  screenSize: [1920, 1080],
  availableScreen: [1920, 1032, 0, 0],
  outerSize: [1920, 1032],
  innerSize: [1920, 945],
  windowPosition: [0, 0],
  colorDepth: [24, 24],
  devicePixelRatio: 1,
  cssScreen: [true, true, true],
  hover: ['hover', 'hover'],
  pointer: ['fine', 'fine'],
  colorGamut: 'srgb',
  colorScheme: 'light',
  touchEvents: [false, true],
  scrollbar: 15,
  voices: [['Microsoft Hedda', 'de-DE', true, true, 'Microsoft Hedda']],
  mediaDevices: ['audioinput:', 'audiooutput:', 'videoinput:'],
  plugins: [1, 2, 3, 4, 5],
  chromeObject: ['app', 'csi', 'loadTimes'],
  notifications: ['default', 'prompt'],
  geolocation: 'prompt',
  globalNames: [],
  candidates: [],
  unanswered: [],
};

const HEADERS = {
  'user-agent': SAMPLE_FINGERPRINT.userAgent,
  'accept-language': 'de-DE,de;q=0.9,en;q=0.8',
  'sec-ch-ua': '"Not:A-Brand";v="8", "Chromium";v="156", "Google Chrome";v="156"',
  'sec-ch-ua-mobile': '?0',
  'sec-ch-ua-platform': '"Windows"',
  'sec-ch-ua-platform-version': '"19.0.0"',
  'sec-ch-ua-arch': '"x86"',
  'sec-ch-ua-bitness': '"64"',
  'sec-ch-ua-model': '""',
  'sec-ch-ua-wow64': '?0',
  'sec-ch-ua-full-version-list': `"Not:A-Brand";v="8.0.0.0", "Chromium";v="${VERSION}", "Google Chrome";v="${VERSION}"`,
  'sec-ch-ua-form-factors': '"Desktop"',
  'device-memory': '8',
  dpr: '1',
};

/** A request as that browser's page makes it. */
export const SAMPLE_REQUEST: ProbeRequest = {
  realm: 'main',
  kind: 'document',
  method: 'GET',
  headers: HEADERS,
  headerNames: Object.keys(HEADERS),
};

/** A visit of that browser, with some of its values changed in some of its realms. */
export function sampleResult(changes: Readonly<Record<string, Values>> = {}): ProbeResult {
  const reports = listRealms(REALM_TREE).map(({ realm }): [string, RealmReport] => [
    realm,
    { values: { ...SAMPLE_VALUES, ...changes[realm] }, tampered: [], traces: [] },
  ]);
  return {
    tree: REALM_TREE,
    reports: new Map(reports),
    absent: new Map(),
    silent: [],
    requests: [SAMPLE_REQUEST],
    families: MARKER_FAMILIES,
  };
}
