import { type Static, Type } from 'typebox';

import { STORABLE_TEXT } from './storable-text.ts';

/** Version of the fingerprint schema; a change that old readers would misread gets the next one. */
export const FINGERPRINT_SCHEMA = 'guise/fingerprint/1';

export const OS_FAMILIES = ['windows', 'macos', 'linux', 'android'] as const;
export const OsFamily = Type.Enum(OS_FAMILIES);
export type OsFamily = Static<typeof OsFamily>;

export const DEVICE_CLASSES = ['desktop', 'mobile'] as const;
export const DeviceClass = Type.Enum(DEVICE_CLASSES);
export type DeviceClass = Static<typeof DeviceClass>;

/** Makers of graphics hardware, by which a client may ask for a device. */
export const GPU_MAKERS = ['nvidia', 'amd', 'intel', 'apple', 'arm', 'qualcomm', 'imagination'] as const;
export const GpuMaker = Type.Enum(GPU_MAKERS);
export type GpuMaker = Static<typeof GpuMaker>;

/** Brands a browser names itself by beside Chromium; `Chromium` names no other. */
export const BROWSER_BRANDS = ['Google Chrome', 'Chromium'] as const;

/** How WebRTC may find addresses; Chromium's own names. */
export const WEBRTC_POLICIES = ['default', 'default_public_interface_only', 'disable_non_proxied_udp'] as const;

const strict = { additionalProperties: false } as const;
const Text = (maxLength: number): ReturnType<typeof Type.String> =>
  Type.String({ maxLength, pattern: '^[\\x20-\\x7e]*$' });
const Pixels = Type.Integer({ minimum: 0, maximum: 16_384, description: 'CSS pixels.' });
const LanguageTag = Type.String({ pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$', maxLength: 35 });
const BrandVersion = Type.Object({ brand: Text(64), version: Text(32) }, strict);

/** What `navigator.userAgentData` and the Sec-CH-UA headers say (wicg.github.io/ua-client-hints). */
export const ClientHints = Type.Object(
  {
    brands: Type.Array(BrandVersion, { maxItems: 8 }),
    fullVersionList: Type.Array(BrandVersion, { maxItems: 8 }),
    platform: Text(32),
    platformVersion: Text(32),
    architecture: Text(16),
    bitness: Text(8),
    model: Text(64),
    mobile: Type.Boolean(),
    wow64: Type.Boolean(),
    formFactors: Type.Array(Text(16), { maxItems: 4 }),
  },
  strict,
);
export type ClientHints = Static<typeof ClientHints>;

/** A voice of `speechSynthesis.getVoices()`. */
export const SpeechVoice = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128, pattern: STORABLE_TEXT }),
    lang: LanguageTag,
    isDefault: Type.Boolean(),
    isLocal: Type.Boolean(),
  },
  strict,
);
export type SpeechVoice = Static<typeof SpeechVoice>;

/** Whether pages may know where they are: asked each time, told these coordinates, or refused. */
export const GeolocationAnswer = Type.Union([
  Type.Object({ mode: Type.Enum(['prompt', 'block']) }, strict),
  Type.Object(
    {
      mode: Type.Enum(['allow']),
      latitude: Type.Number({ minimum: -90, maximum: 90 }),
      longitude: Type.Number({ minimum: -180, maximum: 180 }),
      accuracy: Type.Number({ minimum: 0, maximum: 100_000, description: 'Metres.' }),
    },
    strict,
  ),
]);
export type GeolocationAnswer = Static<typeof GeolocationAnswer>;

/**
 * What a browser claims to be. Every value a site can compare stands here in full, so that nothing is decided at launch; whether
 * the values fit each other is what the coherence rules say.
 */
export const Fingerprint = Type.Object(
  {
    schema: Type.Enum([FINGERPRINT_SCHEMA]),
    seed: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'It was generated from this number.',
    }),
    os: OsFamily,
    osVersion: Type.String({
      maxLength: 32,
      pattern: STORABLE_TEXT,
      description: 'As people name it: 11, 15.5; empty for Linux.',
    }),
    browser: Type.Object(
      {
        brand: Type.Enum(BROWSER_BRANDS),
        version: Type.String({
          pattern: '^\\d{1,4}(\\.\\d{1,6}){3}$',
          description: 'Full version, of the binary that runs.',
        }),
      },
      strict,
    ),
    userAgent: Type.String({ minLength: 1, maxLength: 512, pattern: '^[\\x20-\\x7e]+$' }),
    clientHints: ClientHints,
    navigatorPlatform: Type.String({ minLength: 1, maxLength: 32, pattern: '^[\\x20-\\x7e]+$' }),
    locale: LanguageTag,
    languages: Type.Array(LanguageTag, { minItems: 1, maxItems: 16, description: 'navigator.languages, first first.' }),
    timezone: Type.String({ minLength: 1, maxLength: 64, pattern: STORABLE_TEXT, description: 'IANA name.' }),
    geolocation: GeolocationAnswer,
    screen: Type.Object(
      {
        width: Pixels,
        height: Pixels,
        availWidth: Pixels,
        availHeight: Pixels,
        availLeft: Pixels,
        availTop: Pixels,
        devicePixelRatio: Type.Number({ minimum: 0.5, maximum: 8 }),
        colorDepth: Type.Enum([24, 30]),
        colorGamut: Type.Enum(['srgb', 'p3']),
      },
      strict,
    ),
    window: Type.Object(
      { x: Pixels, y: Pixels, width: Pixels, height: Pixels },
      { ...strict, description: 'The outer window, in CSS pixels of the screen.' },
    ),
    hardware: Type.Object(
      {
        cpuCores: Type.Integer({ minimum: 1, maximum: 256 }),
        memoryGb: Type.Number({ minimum: 0.25, maximum: 1_024, description: 'navigator.deviceMemory.' }),
        maxTouchPoints: Type.Integer({ minimum: 0, maximum: 64 }),
      },
      strict,
    ),
    gpu: Type.Object(
      {
        vendor: Type.String({ minLength: 1, maxLength: 128, pattern: '^[\\x20-\\x7e]+$' }),
        renderer: Type.String({ minLength: 1, maxLength: 256, pattern: '^[\\x20-\\x7e]+$' }),
      },
      { ...strict, description: 'UNMASKED_VENDOR_WEBGL and UNMASKED_RENDERER_WEBGL.' },
    ),
    fonts: Type.Array(Type.String({ minLength: 1, maxLength: 128, pattern: STORABLE_TEXT }), {
      maxItems: 512,
      uniqueItems: true,
      description: 'Families a page can find; which of them exist decides what OS the page sees.',
    }),
    voices: Type.Array(SpeechVoice, { maxItems: 256 }),
    media: Type.Object(
      {
        audioInputs: Type.Integer({ minimum: 0, maximum: 16 }),
        videoInputs: Type.Integer({ minimum: 0, maximum: 16 }),
        audioOutputs: Type.Integer({ minimum: 0, maximum: 16 }),
      },
      strict,
    ),
    webrtcPolicy: Type.Enum(WEBRTC_POLICIES),
    colorScheme: Type.Enum(['light', 'dark']),
    doNotTrack: Type.Boolean(),
  },
  { additionalProperties: false, description: 'What a browser claims to be.' },
);
export type Fingerprint = Static<typeof Fingerprint>;

/** What a fingerprint is to be like; whatever is not said is drawn from what real devices are like. */
export const FingerprintConstraints = Type.Object(
  {
    os: Type.Optional(OsFamily),
    osVersion: Type.Optional(Type.String({ minLength: 1, maxLength: 32, pattern: STORABLE_TEXT })),
    device: Type.Optional(DeviceClass),
    browser: Type.Optional(Type.Enum(['chrome', 'chromium'])),
    locale: Type.Optional(LanguageTag),
    country: Type.Optional(Type.String({ pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 alpha-2.' })),
    timezone: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, pattern: STORABLE_TEXT, description: 'IANA name.' }),
    ),
    screen: Type.Optional(
      Type.Object(
        {
          minWidth: Type.Optional(Pixels),
          maxWidth: Type.Optional(Pixels),
          minHeight: Type.Optional(Pixels),
          maxHeight: Type.Optional(Pixels),
          devicePixelRatio: Type.Optional(Type.Number({ minimum: 0.5, maximum: 10 })),
        },
        strict,
      ),
    ),
    gpu: Type.Optional(GpuMaker),
    seed: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'The same seed and constraints give the same fingerprint.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Constraints; all optional.' },
);
export type FingerprintConstraints = Static<typeof FingerprintConstraints>;

/** Ids of the coherence rules; what each says is in docs/identity.md. */
export const COHERENCE_RULES = [
  'S1',
  'S2',
  'S3',
  'S4',
  'S5',
  'S6',
  'S7',
  'S8',
  'S9',
  'S10',
  'S11',
  'S12',
  'S13',
  'S14',
  'S15',
] as const;
export const CoherenceRuleId = Type.Enum(COHERENCE_RULES);
export type CoherenceRuleId = Static<typeof CoherenceRuleId>;

/** One way in which a fingerprint contradicts itself, the browser that is to wear it, or its proxy. */
export const CoherenceFault = Type.Object({
  rule: CoherenceRuleId,
  name: Type.String({ description: 'Of the rule, such as browser-version.' }),
  path: Type.String({ description: 'JSON pointer to the value that is wrong.' }),
  message: Type.String({ description: 'What is wrong.' }),
  why: Type.String({ description: 'Why a site would notice.' }),
  repair: Type.String({ description: 'What would mend it.' }),
});
export type CoherenceFault = Static<typeof CoherenceFault>;
