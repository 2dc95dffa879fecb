import type { Fingerprint } from '@guise/contract';

import type { Finding, ProbeResult, RealmValue } from '../probe-run.ts';
import { isSame, mainValues, plain, show } from './values.ts';

/** What scripts must read in a browser that wears this fingerprint. */
function expectedValues(fingerprint: Fingerprint): Readonly<Record<string, RealmValue>> {
  const { clientHints, screen, hardware, voices } = fingerprint;
  return {
    userAgent: fingerprint.userAgent,
    appVersion: fingerprint.userAgent.replace(/^Mozilla\//, ''),
    platform: fingerprint.navigatorPlatform,
    language: fingerprint.languages[0] ?? '',
    languages: fingerprint.languages,
    hardwareConcurrency: hardware.cpuCores,
    deviceMemory: hardware.memoryGb,
    maxTouchPoints: hardware.maxTouchPoints,
    doNotTrack: fingerprint.doNotTrack ? '1' : null,
    webdriver: false,
    brands: clientHints.brands,
    mobile: clientHints.mobile,
    hintPlatform: clientHints.platform,
    architecture: clientHints.architecture,
    bitness: clientHints.bitness,
    formFactors: clientHints.formFactors,
    fullVersionList: clientHints.fullVersionList,
    model: clientHints.model,
    platformVersion: clientHints.platformVersion,
    wow64: clientHints.wow64,
    uaFullVersion: fingerprint.browser.version,
    timezone: fingerprint.timezone,
    screenSize: [screen.width, screen.height],
    availableScreen: [screen.availWidth, screen.availHeight, screen.availLeft, screen.availTop],
    colorDepth: [screen.colorDepth, screen.colorDepth],
    colorGamut: { srgb: 'srgb', p3: 'srgb,p3' }[screen.colorGamut],
    colorScheme: fingerprint.colorScheme,
    geolocation: { prompt: 'prompt', allow: 'granted', block: 'denied' }[fingerprint.geolocation.mode],
    voices: voices.map(({ name, lang, isDefault, isLocal }) => [name, lang, isDefault, isLocal, name]),
  };
}

function compareGpu(result: ProbeResult, { gpu }: Fingerprint): Finding[] {
  const { member } = mainValues(result);
  const contexts = ['gl', 'gl2', 'canvasGl'];
  const wanted = { unmaskedVendor: gpu.vendor, unmaskedRenderer: gpu.renderer };
  return contexts.flatMap((context) =>
    Object.entries(wanted)
      .filter(([key, value]) => !isSame(member(context, key), value))
      .map(([key, value]) => ({
        realm: 'main',
        field: `${context}.${key}`,
        text: `is ${show(member(context, key))}, the profile says ${show(value)}`,
      })),
  );
}

/** Where one of a pair is, Chromium draws the other with it; only `local()` tells them apart. */
const PAIRS: Readonly<Record<string, string>> = {
  Helvetica: 'Arial',
  Arial: 'Helvetica',
  'Times New Roman': 'Times',
  'Courier New': 'Courier',
};

/** Families that are there and should not be, or the other way round, whichever way a site looks for them. */
function compareFonts(result: ProbeResult, { fonts }: Fingerprint): Finding[] {
  const wanted = new Set(fonts);
  const { list } = mainValues(result);
  return ['localFonts', 'fonts', 'styledFonts'].flatMap((field) => {
    const found = new Set(list(field));
    const isWanted = (family: string): boolean =>
      wanted.has(family) || (field !== 'localFonts' && wanted.has(PAIRS[family] ?? family));
    const wrong = result.families.filter((family) => found.has(family) !== isWanted(family));
    return wrong.map((family) => ({
      realm: 'main',
      field,
      text: isWanted(family)
        ? `${family} is in the profile and not found`
        : `${family} is found and not in the profile`,
    }));
  });
}

function compareDevices(result: ProbeResult, { media, window }: Fingerprint): Finding[] {
  const { list, all } = mainValues(result);
  const count = (kind: string): number => list('mediaDevices').filter((each) => plain(each).startsWith(kind)).length;
  const pairs: readonly (readonly [string, RealmValue | undefined, RealmValue])[] = [
    ['audioinput devices', count('audioinput'), media.audioInputs],
    ['videoinput devices', count('videoinput'), media.videoInputs],
    ['audiooutput devices', count('audiooutput'), media.audioOutputs],
    ['outerSize', all['outerSize'], [window.width, window.height]],
    ['windowPosition', all['windowPosition'], [window.x, window.y]],
  ];
  return pairs
    .filter(([, actual, wanted]) => !isSame(actual, wanted))
    .map(([field, actual, wanted]) => ({
      realm: 'main',
      field,
      text: `is ${show(actual)}, the profile says ${show(wanted)}`,
    }));
}

/** What the main page reads and the fingerprint does not say. */
export function compareProfile(result: ProbeResult, fingerprint: Fingerprint): Finding[] {
  const { all, number } = mainValues(result);
  const expected = expectedValues(fingerprint);
  const differing = Object.entries(expected)
    .filter(([field, value]) => !isSame(all[field], value))
    .map(([field, value]) => ({
      realm: 'main',
      field,
      text: `is ${show(all[field])}, the profile says ${show(value)}`,
    }));
  // Chromium's user interface speaks `de` to a German, and `en-GB` to a Briton: what both have in common is the language.
  const spoken = plain(all['intlLocale']).split('-')[0] ?? '';
  const language = fingerprint.locale.split('-')[0] === spoken ? [] : [spoken];
  // A ratio such as 2.625 is a float in the browser.
  const ratio = number('devicePixelRatio') ?? 0;
  const scale = Math.abs(ratio - fingerprint.screen.devicePixelRatio) < 0.001 ? [] : [ratio];
  return [
    ...differing,
    ...scale.map((each) => ({
      realm: 'main',
      field: 'devicePixelRatio',
      text: `is ${each}, the profile says ${fingerprint.screen.devicePixelRatio}`,
    })),
    ...language.map((each) => ({
      realm: 'main',
      field: 'intlLocale',
      text: `is ${each}, the profile says ${fingerprint.locale}`,
    })),
    ...compareGpu(result, fingerprint),
    ...compareFonts(result, fingerprint),
    ...compareDevices(result, fingerprint),
  ];
}
