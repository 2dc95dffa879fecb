import { networkInterfaces } from 'node:os';

import type { Finding, ProbeResult } from '../probe-run.ts';
import { mainValues, type MainValues, plain, show } from './values.ts';

/** The system a browser seems to run on, as each of its values has it. */
const SYSTEMS = {
  windows: {
    agent: /Windows NT 10\.0; Win64; x64/,
    platform: /^Win32$/,
    renderer: /Direct3D|D3D1[12]/,
    hint: 'Windows',
    fonts: ['Segoe UI', 'Calibri', 'Consolas'],
  },
  macos: {
    agent: /Macintosh; Intel Mac OS X 10_15_7/,
    platform: /^MacIntel$/,
    renderer: /Apple|Metal|OpenGL Engine/,
    hint: 'macOS',
    fonts: ['Helvetica Neue', 'Menlo', 'Geneva'],
  },
  android: {
    agent: /Linux; Android 10; K/,
    platform: /^Linux (armv8|armv7l|aarch64)/,
    renderer: /Adreno|Mali|PowerVR|Xclipse|Immortalis|IMG/,
    hint: 'Android',
    fonts: ['Roboto'],
  },
  linux: {
    agent: /X11; Linux x86_64/,
    platform: /^Linux x86_64$/,
    renderer: /Mesa|NVIDIA|AMD|Intel|OpenGL|Vulkan/,
    hint: 'Linux',
    fonts: [],
  },
} as const;
type System = keyof typeof SYSTEMS;

/** What each system's browser has and has not, of what pages look for. */
const APIS: Readonly<Record<System, { readonly has: readonly string[]; readonly lacks: readonly string[] }>> = {
  windows: { has: ['SharedWorker', 'EyeDropper', 'HID'], lacks: ['ContactsManager', 'NDEFReader'] },
  macos: { has: ['SharedWorker', 'EyeDropper', 'HID'], lacks: ['ContactsManager', 'NDEFReader'] },
  android: { has: ['ContactsManager'], lacks: ['SharedWorker', 'EyeDropper', 'HID'] },
  linux: { has: ['SharedWorker', 'EyeDropper', 'HID'], lacks: ['ContactsManager', 'NDEFReader', 'BarcodeDetector'] },
};

/** A rule: the field that is at fault with what is wrong, for each fault. */
type Rule = (values: MainValues, result: ProbeResult) => readonly (readonly [field: string, text: string])[];

const when = (isFault: boolean, field: string, text: string): (readonly [string, string])[] =>
  isFault ? [[field, text]] : [];

function systemOf({ text }: MainValues): System | undefined {
  const agent = text('userAgent') ?? '';
  return (Object.keys(SYSTEMS) as System[]).find((name) => SYSTEMS[name].agent.test(agent));
}

const sizes = ({ list }: MainValues, field: string): [number, number] => {
  const [width, height] = list(field);
  return [Number(width), Number(height)];
};
const isWithin = ([width, height]: [number, number], [otherWidth, otherHeight]: [number, number]): boolean =>
  width <= otherWidth && height <= otherHeight;

/** Minutes that a zone is behind UTC at a moment, in the manner of `Date.getTimezoneOffset`. */
function offsetOf(zone: string, moment: Date): number {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(moment);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign = '+', hours = '0', minutes = '0'] = /GMT([+-])(\d+):(\d+)/.exec(name) ?? [];
  const behind = Number(hours) * 60 + Number(minutes);
  return behind === 0 ? 0 : (sign === '-' ? 1 : -1) * behind;
}

const nameOneSystem: Rule = (values) => {
  const system = systemOf(values);
  if (system === undefined) return [['userAgent', `names no known system: ${show(values.all['userAgent'])}`]];
  const { platform, renderer, hint, fonts } = SYSTEMS[system];
  const unmasked = plain(values.member('gl', 'unmaskedRenderer'));
  const found = new Set([...values.list('fonts'), ...values.list('localFonts')]);
  const missing = fonts.filter((family) => !found.has(family));
  const strange =
    system === 'linux' ? [] : ['DejaVu Sans', 'Liberation Sans', 'Cantarell'].filter((each) => found.has(each));
  return [
    ...when(
      !platform.test(values.text('platform') ?? ''),
      'platform',
      `${show(values.all['platform'])} is not of ${system}`,
    ),
    ...when(
      values.text('hintPlatform') !== hint,
      'hintPlatform',
      `${show(values.all['hintPlatform'])} is not of ${system}`,
    ),
    ...when(!renderer.test(unmasked), 'gl', `${unmasked} is no renderer of ${system}`),
    ...when(missing.length > 0, 'fonts', `${missing.join()} should be on ${system}`),
    ...when(strange.length > 0, 'fonts', `${strange.join()} should not be on ${system}`),
  ];
};

const haveRealGraphics: Rule = ({ member, all }) =>
  ['gl', 'gl2', 'canvasGl'].flatMap((field) => {
    const renderer = plain(member(field, 'unmaskedRenderer'));
    return [
      ...when(typeof all[field] !== 'object', field, 'there is no WebGL'),
      ...when(/SwiftShader|llvmpipe|softpipe|Software|Basic Render/i.test(renderer), field, `${renderer} is software`),
    ];
  });

const hideAutomation: Rule = ({ all, list }) => [
  ...when(all['webdriver'] !== false, 'webdriver', `is ${show(all['webdriver'])}`),
  ...when(
    show([all['userAgent'] ?? '', all['brands'] ?? '']).includes('Headless'),
    'userAgent',
    'says that it is headless',
  ),
  ...when(!Array.isArray(all['chromeObject']), 'chromeObject', 'is missing'),
  ...when(list('globalNames').length > 0, 'globalNames', `of a driver: ${show(all['globalNames'])}`),
];

const nameOneVersion: Rule = ({ text, list, all }) => {
  const major = /Chrome\/(\d+)\.0\.0\.0/.exec(text('userAgent') ?? '')?.[1];
  const versions = (field: string): string[] =>
    (list(field) as { brand: string; version: string }[])
      .filter(({ brand }) => !brand.includes('Not'))
      .map(({ version }) => version);
  const full = text('uaFullVersion') ?? '';
  return [
    ...when(major === undefined, 'userAgent', `has no reduced version: ${show(all['userAgent'])}`),
    ...when(
      text('appVersion') !== text('userAgent')?.replace(/^Mozilla\//, ''),
      'appVersion',
      'is not of the user agent',
    ),
    ...when(
      versions('brands').some((each) => each !== major),
      'brands',
      `${show(all['brands'])} beside ${String(major)}`,
    ),
    ...when(
      versions('fullVersionList').some((each) => each !== full),
      'fullVersionList',
      `beside ${full}`,
    ),
    ...when(!full.startsWith(`${String(major)}.`), 'uaFullVersion', `${full} beside ${String(major)}`),
    ...when(list('brands').length < 2, 'brands', `are ${show(all['brands'])}`),
  ];
};

const liveInOnePlace: Rule = ({ text, list, all }) => {
  const zone = text('timezone') ?? 'UTC';
  const moments = [Date.UTC(2026, 0, 15, 12), Date.UTC(2026, 6, 15, 12)].map((time) => new Date(time));
  const offsets = moments.map((moment) => offsetOf(zone, moment));
  const language = (text('language') ?? '').split('-')[0] ?? '';
  const locales = ['intlLocale', 'numberLocale', 'collatorLocale'] as const;
  const foreign = locales.filter((field) => (text(field) ?? '').split('-')[0] !== language);
  return [
    ...when(
      show(offsets) !== show(all['timezoneOffsets']),
      'timezoneOffsets',
      `${show(all['timezoneOffsets'])} in ${zone}`,
    ),
    ...when(
      list('languages')[0] !== all['language'],
      'language',
      `${show(all['language'])} of ${show(all['languages'])}`,
    ),
    ...foreign.map((field): [string, string] => [field, `${String(text(field))} beside the language ${language}`]),
  ];
};

const fitTheScreen: Rule = (values) => {
  const [screen, available] = [sizes(values, 'screenSize'), sizes(values, 'availableScreen')];
  const [outer, inner] = [sizes(values, 'outerSize'), sizes(values, 'innerSize')];
  const isMobile = values.all['mobile'] === true;
  return [
    ...when(!isWithin(available, screen), 'availableScreen', `${show(available)} on a screen of ${show(screen)}`),
    ...when(!isWithin(outer, screen), 'outerSize', `${show(outer)} on a screen of ${show(screen)}`),
    ...when(!isMobile && !isWithin(inner, outer), 'innerSize', `${show(inner)} in a window of ${show(outer)}`),
    ...when(!isMobile && inner[1] >= outer[1], 'innerSize', `no bars in a window of ${show(outer)}`),
    ...when(!isMobile && show(screen) === show(available), 'availableScreen', 'a desktop without a bar'),
    ...when(
      show(values.all['cssScreen']) !== show([true, true, true]),
      'cssScreen',
      `style sheets see another screen than ${show(screen)}`,
    ),
  ];
};

const pointAsTheDeviceDoes: Rule = ({ all, number, list }) => {
  const isMobile = all['mobile'] === true;
  const touch = number('maxTouchPoints') ?? 0;
  const [pointer, hover] = isMobile ? ['coarse', 'none'] : ['fine', 'hover'];
  const first = (field: string): string => plain(list(field)[0]);
  return [
    ...when(first('pointer') !== pointer, 'pointer', `${show(all['pointer'])} where mobile is ${String(isMobile)}`),
    ...when(first('hover') !== hover, 'hover', `${show(all['hover'])} where mobile is ${String(isMobile)}`),
    ...when(isMobile && touch === 0, 'maxTouchPoints', 'a phone without touch'),
    ...when(
      isMobile !== show(all['touchEvents']).startsWith('[true'),
      'touchEvents',
      `${show(all['touchEvents'])} where mobile is ${String(isMobile)}`,
    ),
    ...when(isMobile && all['scrollbar'] !== 0, 'scrollbar', `${show(all['scrollbar'])} pixels wide on a phone`),
  ];
};

const weighWhatItHas: Rule = ({ number, all }) => {
  const memory = number('deviceMemory') ?? 0;
  const heapGb = (number('heapLimit') ?? 0) / 1024 ** 3;
  const [least, most] = memory <= 2 ? [0.4, 1.2] : memory <= 4 ? [0.9, 2.4] : [1.9, 4.5];
  return [
    ...when(![2, 4, 8, 16, 32].includes(memory), 'deviceMemory', `is ${memory}`),
    ...when(heapGb < least || heapGb > most, 'heapLimit', `${heapGb.toFixed(2)} GiB where the device has ${memory}`),
    ...when((number('hardwareConcurrency') ?? 0) < 1, 'hardwareConcurrency', `is ${show(all['hardwareConcurrency'])}`),
  ];
};

const offerWhatTheSystemDoes: Rule = (values) => {
  const system = systemOf(values);
  if (system === undefined) return [];
  const [apis, { has, lacks }] = [new Set(values.list('apis')), APIS[system]];
  const isMobile = values.all['mobile'] === true;
  const plugins = values.list('plugins').length;
  return [
    ...has
      .filter((name) => !apis.has(name))
      .map((name): [string, string] => ['apis', `${name} is missing on ${system}`]),
    ...lacks.filter((name) => apis.has(name)).map((name): [string, string] => ['apis', `${name} is not of ${system}`]),
    ...when(!isMobile && plugins !== 5, 'plugins', `there are ${plugins}`),
    ...when(isMobile && plugins !== 0, 'plugins', `a phone has ${plugins}`),
    ...when(system !== 'linux' && values.list('voices').length === 0, 'voices', `there are none on ${system}`),
  ];
};

const askAlike: Rule = ({ list, all }) => {
  const [said, state] = list('notifications');
  const same = said === (state === 'prompt' ? 'default' : state);
  return when(!same, 'notifications', `Notification and permissions differ: ${show(all['notifications'])}`);
};

const findFontsAlike: Rule = ({ list, all }) =>
  when(
    show(all['fonts']) !== show(all['styledFonts']),
    'fonts',
    `canvas finds ${show(list('fonts'))}, style ${show(list('styledFonts'))}`,
  );

/** Addresses of this machine, and those that only make sense at home. */
function isLocalAddress(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map((one) => one.address));
  return (
    own.includes(address) ||
    /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|127\.|f[cde][0-9a-f]{2}:|::1$)/i.test(address)
  );
}

const keepItsAddress: Rule = ({ list }) =>
  list('candidates').flatMap((candidate) => {
    const [, , , , address = '', , , , ...rest] = plain(candidate).split(' ');
    const related = rest[rest.indexOf('raddr') + 1] ?? '';
    return [address, related]
      .filter(isLocalAddress)
      .map((each): [string, string] => ['candidates', `WebRTC shows ${each}`]);
  });

const answerAll: Rule = ({ list, all }) =>
  when(list('unanswered').length > 0, 'unanswered', `the page waited in vain for ${show(all['unanswered'])}`);

const RULES: readonly Rule[] = [
  ...[nameOneSystem, haveRealGraphics, hideAutomation, nameOneVersion, liveInOnePlace, fitTheScreen],
  ...[
    pointAsTheDeviceDoes,
    weighWhatItHas,
    offerWhatTheSystemDoes,
    askAlike,
    findFontsAlike,
    keepItsAddress,
    answerAll,
  ],
];

/** Values of the main page that no real device would show together. */
export function findIncoherence(result: ProbeResult): Finding[] {
  const values = mainValues(result);
  return RULES.flatMap((rule) => rule(values, result)).map(([field, text]) => ({ realm: 'main', field, text }));
}
