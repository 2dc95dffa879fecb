import type { Fingerprint, OsFamily } from '@guise/contract';

import { listDevices, type OsVersion } from '../device-population.ts';
import { gpuMakerOf } from '../gpu-names.ts';
import { platformFacts } from '../platform-facts.ts';
import { compare, type CoherenceRule, demand, type Finding } from './coherence-rule.ts';

/** Versions of a system on which the browser runs, as people name them. */
const OS_VERSIONS: Readonly<Record<OsFamily, RegExp>> = {
  windows: /^1[01]$/,
  macos: /^(1[2-5]|26)\.\d{1,2}(\.\d{1,2})?$/,
  linux: /^$/,
  android: /^1[0-7]$/,
};

const NAVIGATOR_PLATFORMS: Readonly<Record<OsFamily, readonly string[]>> = {
  windows: ['Win32'],
  macos: ['MacIntel'],
  linux: ['Linux x86_64'],
  android: ['Linux armv81', 'Linux armv8l', 'Linux aarch64'],
};

/** Windows says the version of an interface: up to 10 on Windows 10, from 13 on Windows 11. */
function isWindowsHint(osVersion: string, platformVersion: string): boolean {
  const major = Number(/^(\d+)\.0\.0$/.exec(platformVersion)?.[1]);
  return osVersion === '11' ? major >= 13 && major <= 20 : major >= 1 && major <= 10;
}

function isHintOf(os: OsFamily, { osVersion, platformVersion }: OsVersion): boolean {
  switch (os) {
    case 'windows':
      return isWindowsHint(osVersion, platformVersion);
    case 'macos':
      return /^\d+\.\d+\.\d+$/.test(platformVersion) && `${platformVersion}.`.startsWith(`${osVersion}.`);
    case 'android':
      return platformVersion === `${osVersion}.0.0`;
    case 'linux':
      return platformVersion === '';
  }
}

/** What the processor of a device is called; Android does not say. */
function architectureOf({ os, gpu }: Fingerprint): string {
  if (os === 'android') return '';
  const maker = gpuMakerOf(gpu.renderer);
  const isArm = os === 'macos' ? maker === 'apple' : os === 'windows' && maker === 'qualcomm';
  return isArm ? 'arm' : 'x86';
}

function versionFindings({ os, osVersion, clientHints }: Fingerprint): Finding[] {
  const { platformVersion } = clientHints;
  if (!OS_VERSIONS[os].test(osVersion)) {
    const message = `${os} ${osVersion} is no version this browser runs on`;
    return [{ path: '/osVersion', message, repair: 'take a version from the table of devices' }];
  }
  return demand(isHintOf(os, { osVersion, platformVersion }), {
    path: '/clientHints/platformVersion',
    message: `"${platformVersion}" is not what ${os} ${osVersion} says`.replace('  ', ' '),
    repair: 'take the hint of this version from the table of devices',
  });
}

function modelFindings({ os, clientHints }: Fingerprint): Finding[] {
  return demand((os === 'android') === (clientHints.model !== ''), {
    path: '/clientHints/model',
    message: os === 'android' ? 'is empty, and every Android has a model' : 'is set, and only Android has one',
    repair: os === 'android' ? 'take the model of a device with this GPU' : 'leave it empty',
  });
}

function navigatorFindings({ os, navigatorPlatform }: Fingerprint): Finding[] {
  const { navigatorPlatform: usual } = platformFacts(os);
  return demand(NAVIGATOR_PLATFORMS[os].includes(navigatorPlatform), {
    path: '/navigatorPlatform',
    message: `is "${navigatorPlatform}", where a browser on ${os} says "${usual}"`,
    repair: `set it to "${usual}"`,
  });
}

/** The version closest to what the fingerprint says: of its name, or the one met most. */
function closestVersion({ os, osVersion }: Fingerprint): OsVersion {
  const devices = [...listDevices(os)].sort((one, other) => other.weight - one.weight);
  const named = devices.find((device) => device.os.osVersion === osVersion);
  const [first] = devices;
  if (first === undefined) throw new Error(`There are no devices for ${os}`);
  return (named ?? first).os;
}

/** The hint where a version of that name is in no table. */
function mendVersion(fingerprint: Fingerprint): OsVersion {
  const { os, osVersion } = fingerprint;
  const closest = closestVersion(fingerprint);
  if (closest.osVersion === osVersion || !OS_VERSIONS[os].test(osVersion)) return closest;
  if (os === 'android') return { osVersion, platformVersion: `${osVersion}.0.0` };
  return { osVersion, platformVersion: osVersion.split('.').length === 3 ? osVersion : `${osVersion}.0` };
}

function closestModel({ os, gpu, screen }: Fingerprint): string {
  if (os !== 'android') return '';
  const devices = listDevices(os);
  const sameGpu = devices.filter((device) => device.gpu.renderer === gpu.renderer);
  const among = sameGpu.length > 0 ? sameGpu : devices;
  return (among.find((device) => device.screen.width === screen.width) ?? among[0])?.model ?? '';
}

/** S4: navigator.platform and the client hints of the system agree with each other, with its version and with the hardware. */
export const platformRule: CoherenceRule = {
  id: 'S4',
  name: 'platform',
  why: 'These are told twice or more, by navigator, client hints and headers, and have one value for each system.',
  find: (fingerprint) => {
    const { os, clientHints: hints } = fingerprint;
    const { platform, bitness } = platformFacts(os);
    const { architecture, wow64 } = hints;
    return [
      ...navigatorFindings(fingerprint),
      ...compare([
        { path: '/clientHints/platform', actual: hints.platform, expected: platform },
        { path: '/clientHints/architecture', actual: architecture, expected: architectureOf(fingerprint) },
        { path: '/clientHints/bitness', actual: hints.bitness, expected: bitness },
        { path: '/clientHints/wow64', actual: wow64, expected: false },
      ]),
      ...versionFindings(fingerprint),
      ...modelFindings(fingerprint),
    ];
  },
  mend: (fingerprint) => {
    const { os, clientHints, navigatorPlatform } = fingerprint;
    const { platform, bitness, navigatorPlatform: usual } = platformFacts(os);
    const version =
      versionFindings(fingerprint).length > 0
        ? mendVersion(fingerprint)
        : { osVersion: fingerprint.osVersion, platformVersion: clientHints.platformVersion };
    return {
      ...fingerprint,
      osVersion: version.osVersion,
      navigatorPlatform: NAVIGATOR_PLATFORMS[os].includes(navigatorPlatform) ? navigatorPlatform : usual,
      clientHints: {
        ...clientHints,
        platform,
        platformVersion: version.platformVersion,
        architecture: architectureOf(fingerprint),
        bitness,
        wow64: false,
        model: modelFindings(fingerprint).length > 0 ? closestModel(fingerprint) : clientHints.model,
      },
    };
  },
};
