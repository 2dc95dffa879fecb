import { randomBytes } from 'node:crypto';
import { arch } from 'node:os';

import type { Fingerprint, OsFamily } from '@guise/contract';

import type { BrowserIdentity, SetupCommand } from '../../../browser/index.ts';
import { identityFontConfig } from './font-config.ts';
import { planGpu } from './gpu-plan.ts';
import type { PageVoice } from './realm-config.ts';
import { realmScript } from './realm-script.ts';
import { mobileMetrics, planDisplay, screenFlags } from './screen-plan.ts';

/** What the machine has for identities; where something is missing, an identity goes without it. */
export interface IdentityHost {
  /** Folder of the font sets (`openFontSets`). */
  readonly fontsDir: string | undefined;
  /** The compiled helper for processors and memory (`findHardwareHelper`). */
  readonly hardwareHelper: string | undefined;
  /** Whether Mesa's software renderer is there (`hasLlvmpipe`). */
  readonly hasLlvmpipe: boolean;
}

/** Names nobody else can guess, for the script of one identity. */
interface ScriptTokens {
  readonly eventName: string;
  readonly scriptName: string;
}

interface CompileOptions {
  readonly headless: boolean;
  readonly tokens: ScriptTokens;
  readonly host: IdentityHost;
}

/** New random names; an identity keeps its own for life. */
export function makeScriptTokens(): ScriptTokens {
  const name = (): string => `a${randomBytes(9).toString('hex')}`;
  return { eventName: name(), scriptName: `${name()}.js` };
}

/** What of Chrome's interfaces a system has or lacks beside Linux, by Blink's names. */
const BLINK_FEATURES: Readonly<Record<OsFamily, BrowserIdentity['blinkFeatures']>> = {
  linux: { enabled: [], disabled: [] },
  windows: { enabled: ['WebShare'], disabled: [] },
  macos: { enabled: ['WebShare', 'BarcodeDetector', 'ShapeDetection'], disabled: [] },
  android: {
    enabled: [
      'WebShare',
      'ContactsManager',
      'ContentIndex',
      'NetInfoDownlinkMax',
      'BarcodeDetector',
      'WebNFC',
      'OrientationEvent',
    ],
    disabled: [
      'EyeDropperAPI',
      'FileSystemAccessLocal',
      'FileSystemAccess',
      'WebHID',
      'Serial',
      'SharedWorker',
      'DocumentPictureInPictureAPI',
      'FontAccess',
    ],
  },
};

/** Models on the device: asked about with much memory and many processors, Chromium never answers whether it has them. */
const MODEL_FEATURES = ['OptimizationGuideModelExecution', 'OnDeviceModelCpuBackend'];

const MEBIBYTES_PER_GIBIBYTE = 1_024;
const FONT_CONFIG_FILE = 'fonts.conf';

/** Mesa would take a thread for each processor the identity has. */
const SOFTWARE_GL_THREADS = '2';

/** Values of Chromium's content settings. */
const CONTENT_SETTING = { prompt: undefined, allow: 1, block: 2 } as const;

function userAgentOverride(fingerprint: Fingerprint): BrowserIdentity['userAgent'] {
  const { userAgent, navigatorPlatform, clientHints, browser } = fingerprint;
  // Languages are left to the flag: given here, Accept-Language comes before Accept in every request, which no browser does.
  return {
    userAgent,
    platform: navigatorPlatform,
    // Deprecated in the protocol, but the only way to what pages still ask for as `uaFullVersion`.
    userAgentMetadata: Object.assign({ ...clientHints }, { fullVersion: browser.version }),
  };
}

function hardwareEnvironment(
  { hardware }: Fingerprint,
  { hardwareHelper }: IdentityHost,
): BrowserIdentity['environment'] {
  if (hardwareHelper === undefined) return {};
  return {
    LD_PRELOAD: hardwareHelper,
    GUISE_CPU_CORES: String(hardware.cpuCores),
    GUISE_MEMORY_MB: String(Math.round(hardware.memoryGb * MEBIBYTES_PER_GIBIBYTE)),
  };
}

function planEnvironment(fingerprint: Fingerprint, host: IdentityHost): BrowserIdentity['environment'] {
  return {
    TZ: fingerprint.timezone,
    // Chromium's own language, where the system has its translation; `--lang` does nothing on Linux.
    LANGUAGE: fingerprint.locale.replaceAll('-', '_'),
    ...hardwareEnvironment(fingerprint, host),
    // A tilde is the browser's home, wherever it is launched.
    ...(host.fontsDir === undefined ? {} : { FONTCONFIG_FILE: `~/${FONT_CONFIG_FILE}` }),
    ...(host.hasLlvmpipe ? { LP_NUM_THREADS: SOFTWARE_GL_THREADS } : {}),
  };
}

function planFlags(fingerprint: Fingerprint, headless: boolean): string[] {
  const { userAgent, languages, media } = fingerprint;
  const hasMedia = media.audioInputs + media.videoInputs + media.audioOutputs > 0;
  return [
    `--user-agent=${userAgent}`,
    `--accept-lang=${languages.join(',')}`,
    ...(hasMedia
      ? [
          media.videoInputs === 1
            ? '--use-fake-device-for-media-stream'
            : `--use-fake-device-for-media-stream=device-count=${media.videoInputs}`,
        ]
      : []),
    ...screenFlags(fingerprint, headless),
  ];
}

function planCommands(fingerprint: Fingerprint, host: IdentityHost): BrowserIdentity['commands'] {
  const { locale, geolocation, hardware, clientHints } = fingerprint;
  const { maxTouchPoints, cpuCores } = hardware;
  const everywhere: SetupCommand[] = [
    { method: 'Emulation.setUserAgentOverride', params: { ...userAgentOverride(fingerprint) } },
    { method: 'Emulation.setLocaleOverride', params: { locale } },
  ];
  if (host.hardwareHelper === undefined) {
    everywhere.push({ method: 'Emulation.setHardwareConcurrencyOverride', params: { hardwareConcurrency: cpuCores } });
  }
  const documents: SetupCommand[] = [
    ...everywhere,
    // A window nobody clicks on never has the focus otherwise.
    { method: 'Emulation.setFocusEmulationEnabled', params: { enabled: true } },
  ];
  // Where there is a mouse too, flags say it: this would take it away.
  if (clientHints.mobile && maxTouchPoints > 0) {
    documents.push({ method: 'Emulation.setTouchEmulationEnabled', params: { enabled: true, maxTouchPoints } });
  }
  if (geolocation.mode === 'allow') {
    const { latitude, longitude, accuracy } = geolocation;
    documents.push({ method: 'Emulation.setGeolocationOverride', params: { latitude, longitude, accuracy } });
  }
  return { page: [...mobileMetrics(fingerprint), ...documents], frame: documents, worker: everywhere };
}

function planPreferences({ doNotTrack, geolocation, clientHints }: Fingerprint): BrowserIdentity['preferences'] {
  const setting = CONTENT_SETTING[geolocation.mode];
  return {
    enable_do_not_track: doNotTrack,
    // Chrome on a phone has no viewer for them, and so none of the five plugins that stand for it.
    ...(clientHints.mobile ? { plugins: { always_open_pdf_externally: true } } : {}),
    ...(setting === undefined ? {} : { profile: { default_content_setting_values: { geolocation: setting } } }),
  };
}

function toPageVoice({ name, lang, isDefault, isLocal }: Fingerprint['voices'][number]): PageVoice {
  return { voiceURI: name, name, lang, localService: isLocal, default: isDefault };
}

/** A virtual display has 24 bits, whatever is asked of it; a screen that is only said has as many as are said. */
function scriptColorDepth({ screen }: Fingerprint, headless: boolean): number | undefined {
  return headless || screen.colorDepth === 24 ? undefined : screen.colorDepth;
}

/** What workers and removed frames say by themselves. */
function nativePlatform(): string {
  return arch() === 'arm64' ? 'Linux aarch64' : 'Linux x86_64';
}

/** Turns a fingerprint into all that makes a browser appear as it. Pure: the same in, the same out. */
export function compileIdentity(fingerprint: Fingerprint, { headless, tokens, host }: CompileOptions): BrowserIdentity {
  const { os, fonts, voices, navigatorPlatform } = fingerprint;
  const { fontsDir } = host;
  const gpu = planGpu(fingerprint, host.hasLlvmpipe);
  const blinkFeatures = BLINK_FEATURES[os];
  return {
    fingerprint,
    features: { enabled: os === 'android' ? ['OverlayScrollbar'] : [], disabled: MODEL_FEATURES },
    blinkFeatures,
    flags: [...planFlags(fingerprint, headless), ...gpu.flags],
    environment: planEnvironment(fingerprint, host),
    files: [
      ...gpu.files,
      ...(fontsDir === undefined ? [] : [{ path: FONT_CONFIG_FILE, content: identityFontConfig(fontsDir, os, fonts) }]),
    ],
    preferences: planPreferences(fingerprint),
    display: planDisplay(fingerprint),
    commands: planCommands(fingerprint, host),
    script: realmScript({
      ...tokens,
      gpu: gpu.script,
      platform: navigatorPlatform === nativePlatform() ? undefined : navigatorPlatform,
      voices: voices.length === 0 ? undefined : voices.map(toPageVoice),
      colorDepth: scriptColorDepth(fingerprint, headless),
      sharing: blinkFeatures.enabled.includes('WebShare'),
    }),
    userAgent: userAgentOverride(fingerprint),
  };
}
