import { randomInt } from 'node:crypto';

import { type Fingerprint, FINGERPRINT_SCHEMA, type FingerprintConstraints, type OsFamily } from '@guise/contract';

import { listBrands } from '../../browser/index.ts';
import { SeededRandom } from '../../lib/seeded-random.ts';
import { chooseDevice } from './choose-device.ts';
import { chooseRegion, type Region } from './choose-region.ts';
import type { Device } from './device-population.ts';
import { drawFonts } from './font-families.ts';
import type { Host } from './host-limits.ts';
import { languagesOf } from './languages.ts';
import { placeWindow } from './place-window.ts';
import { platformFacts, userAgentOf } from './platform-facts.ts';
import { voicesOf } from './speech-voices.ts';

/** For what a fingerprint is made. */
export interface GenerationContext {
  /** Full version of the browser that is to wear it. */
  readonly browserVersion: string;
  /** Given where browsers tell what the machine has, whatever the fingerprint says: it then asks for no more than that. */
  readonly host?: Host | undefined;
}

/** `randomInt` takes no more. */
const SEED_LIMIT = 2 ** 48 - 1;

const DARK_SHARE = 0.3;
const DO_NOT_TRACK_SHARE = 0.06;

interface Drawn {
  readonly seed: number;
  readonly os: OsFamily;
  readonly device: Device;
  readonly region: Region;
  readonly browser: Fingerprint['browser'];
}

function clientHintsOf({ os, device, browser }: Drawn): Fingerprint['clientHints'] {
  const { platform, bitness, isMobile, formFactors } = platformFacts(os);
  return {
    ...listBrands(browser.version, browser.brand),
    platform,
    platformVersion: device.os.platformVersion,
    architecture: device.architecture,
    bitness,
    model: device.model,
    mobile: isMobile,
    wow64: false,
    formFactors: [...formFactors],
  };
}

function assemble(drawn: Drawn): Fingerprint {
  const { seed, os, device, region, browser } = drawn;
  const { locale, timezone } = region;
  const { osVersion } = device.os;
  const [audioInputs, videoInputs, audioOutputs] = device.media;
  const taste = new SeededRandom(seed, 'taste');
  return {
    schema: FINGERPRINT_SCHEMA,
    seed,
    os,
    osVersion,
    browser,
    userAgent: userAgentOf(os, browser.version),
    clientHints: clientHintsOf(drawn),
    navigatorPlatform: platformFacts(os).navigatorPlatform,
    locale,
    languages: languagesOf(locale),
    timezone,
    geolocation: { mode: 'prompt' },
    screen: { ...device.screen },
    window: placeWindow(os, device.screen, new SeededRandom(seed, 'window')),
    hardware: { cpuCores: device.cpuCores, memoryGb: device.memoryGb, maxTouchPoints: device.maxTouchPoints },
    gpu: { vendor: device.gpu.vendor, renderer: device.gpu.renderer },
    fonts: drawFonts({ os, osVersion, model: device.model }, new SeededRandom(seed, 'fonts')),
    voices: voicesOf({ os, browser, locale }),
    // Chromium's made-up devices always have a microphone among them, and without them there is no loudspeaker either.
    media: { audioInputs: Math.max(audioInputs, 1), videoInputs, audioOutputs },
    webrtcPolicy: 'disable_non_proxied_udp',
    colorScheme: taste.chance(DARK_SHARE) ? 'dark' : 'light',
    doNotTrack: taste.chance(DO_NOT_TRACK_SHARE),
  };
}

/**
 * Makes a fingerprint of a device that could exist and fits the constraints; what they leave open is drawn as often as it is met.
 *
 * The same seed, constraints, context and data give the same fingerprint; without a seed each is another. It has no coherence faults
 * as far as no proxy is looked at.
 *
 * @throws {AppError} VALIDATION_FAILED naming the constraint that nothing fits
 */
export function generateFingerprint(constraints: FingerprintConstraints, context: GenerationContext): Fingerprint {
  const { seed = randomInt(SEED_LIMIT) } = constraints;
  const region = chooseRegion(constraints, seed);
  const { os, device } = chooseDevice(constraints, seed, context.host);
  const brand = constraints.browser === 'chromium' ? 'Chromium' : 'Google Chrome';
  return assemble({ seed, os, device, region, browser: { brand, version: context.browserVersion } });
}
