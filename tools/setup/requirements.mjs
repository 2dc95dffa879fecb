import { existsSync } from 'node:fs';

import { findProgram, isExecutable } from './executable.mjs';
import { SetupFailure } from './failure.mjs';
import { findCompiler } from './hardware-helper.mjs';

/** Where systems put Chromium or Chrome; the binary itself before any wrapper script around it. */
const CHROMIUM_PLACES = {
  linux: [
    '/usr/lib/chromium/chromium', // Debian, Arch
    '/usr/lib64/chromium-browser/chromium-browser', // Fedora
    '/opt/google/chrome/chrome', // Chrome stable
    '/usr/lib/chromium-browser/chromium-browser', // Ubuntu, up to 18.04
    '/snap/bin/chromium', // Ubuntu
  ],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
};

/** What an operator sets to name a browser of their own. @throws {SetupFailure} if it names none */
function chosenPath(variable, { environment, isThere }) {
  const file = environment[variable];
  if (!file || isThere(file)) return file || undefined;
  throw new SetupFailure(
    `${variable} is ${file}, which is not a program that can be run.\nCorrect it, or unset it to have the usual places searched.`,
  );
}

function findChromium({ environment, platform, isThere }) {
  const places = CHROMIUM_PLACES[platform] ?? [];
  return places.find(isThere) ?? findProgram('chromium', { environment, isThere });
}

/**
 * What npm cannot bring. `variable` names the environment variable by which a user chooses their own; `probeArgs` make it
 * answer and end, where it is a program; `packages` are the system's packages that bring it; `optional` says what one does without it: where it is
 * not given, nothing works.
 */
const CHROMIUM = {
  name: 'Chromium',
  variable: 'CHROMIUM_PATH',
  find: findChromium,
  probeArgs: ['--version'],
  packages: { debian: ['chromium', 'fonts-liberation'], fedora: ['chromium'], arch: ['chromium'] },
};
const XVFB = {
  name: 'Xvfb',
  variable: 'XVFB_PATH',
  find: (machine) => findProgram('Xvfb', machine),
  probeArgs: ['-help'], // It does not tell its version.
  packages: {
    debian: ['xvfb'],
    ubuntu: ['xvfb'],
    fedora: ['xorg-x11-server-Xvfb'],
    arch: ['xorg-server-xvfb'],
  },
  optional: 'sessions with `headless: false` will be refused',
};

/** Fonts that pass for those of other systems, one file of each package that has to be there. */
const FONT_FILES = [
  'croscore/Arimo-Regular.ttf',
  'crosextra/Carlito-Regular.ttf',
  'crosextra/Caladea-Regular.ttf',
  'roboto/unhinted/RobotoTTF/Roboto-Regular.ttf',
  'droid/DroidSansFallbackFull.ttf',
  'noto/NotoColorEmoji.ttf',
  'noto/NotoSansThai-Regular.ttf',
].map((name) => `/usr/share/fonts/truetype/${name}`);
const FONTS = {
  name: 'fonts',
  find: ({ isFile }) => (FONT_FILES.every(isFile) ? FONT_FILES[0] : undefined),
  packages: {
    debian: [
      'fonts-croscore',
      'fonts-crosextra-carlito',
      'fonts-crosextra-caladea',
      'fonts-roboto-unhinted',
      'fonts-droid-fallback',
      'fonts-noto-color-emoji',
      'fonts-noto-core',
    ],
  },
  optional: 'identities show the fonts of this machine',
};

/** Mesa's software renderer, by which a browser has a graphics card of any name. */
const EGL_FILES = ['x86_64-linux-gnu', 'aarch64-linux-gnu', '../lib64', '.'].map(
  (folder) => `/usr/lib/${folder}/libEGL_mesa.so.0`,
);
const MESA = {
  name: 'Mesa EGL',
  find: ({ isFile }) => EGL_FILES.find(isFile),
  packages: {
    debian: ['libegl1', 'libegl-mesa0', 'libgl1-mesa-dri'],
    fedora: ['mesa-libEGL', 'mesa-dri-drivers'],
    arch: ['mesa'],
  },
  optional: 'identities have their graphics card by script alone',
};

/** The smallest there is (0.8 MB, without the headers it would recommend): all it is for is one file that includes nothing. */
const COMPILER = {
  name: 'C compiler',
  find: findCompiler,
  packages: { debian: ['tcc'], fedora: ['tcc'], arch: ['tcc'] },
  optional: 'identities keep the memory of this machine',
};

/** A program that only the tests run, found by its name. */
const testProgram = ({ name, probeArgs = ['--version'], packages }) => ({
  name,
  find: (machine) => findProgram(name, machine),
  ...(probeArgs.length > 0 && { probeArgs }),
  packages,
});
const TEST_PROGRAMS = [
  testProgram({
    name: 'psql',
    packages: {
      debian: ['postgresql-client'],
      ubuntu: ['postgresql-client'],
      fedora: ['postgresql'],
      arch: ['postgresql'],
      darwin: ['libpq'],
    },
  }),
  testProgram({
    name: 'redis-server',
    packages: {
      debian: ['redis-server'],
      ubuntu: ['redis-server'],
      fedora: ['redis'],
      arch: ['redis'],
      darwin: ['redis'],
    },
  }),
  testProgram({
    name: 'nginx',
    probeArgs: ['-v'],
    packages: {
      debian: ['nginx-light'],
      ubuntu: ['nginx-light'],
      fedora: ['nginx'],
      arch: ['nginx'],
      darwin: ['nginx'],
    },
  }),
  testProgram({
    name: 'openssl',
    probeArgs: ['version'],
    packages: { debian: ['openssl'], ubuntu: ['openssl'], fedora: ['openssl'], arch: ['openssl'], darwin: ['openssl'] },
  }),
  testProgram({
    name: 'promtool',
    packages: { debian: ['prometheus'], ubuntu: ['prometheus'], arch: ['prometheus'], darwin: ['prometheus'] },
  }),
  testProgram({
    name: 'tinyproxy',
    probeArgs: ['-v'],
    packages: {
      debian: ['tinyproxy-bin'],
      ubuntu: ['tinyproxy-bin'],
      fedora: ['tinyproxy'],
      arch: ['tinyproxy'],
      darwin: ['tinyproxy'],
    },
  }),
  testProgram({
    name: 'microsocks',
    probeArgs: [], // It knows none but those to serve.
    packages: {
      debian: ['microsocks'],
      ubuntu: ['microsocks'],
      fedora: ['microsocks'],
      arch: ['microsocks'],
      darwin: ['microsocks'],
    },
  }),
  testProgram({
    name: 'squid',
    probeArgs: ['-v'],
    packages: { debian: ['squid'], ubuntu: ['squid'], fedora: ['squid'], arch: ['squid'], darwin: ['squid'] },
  }),
];

/** A real S3 server for tests. Its servers are scripts of ours on its library: no service is installed. */
const SWIFT_FILE = '/usr/lib/python3/dist-packages/swift/common/middleware/s3api/s3api.py';
const SWIFT = {
  name: 'OpenStack Swift',
  find: ({ isFile }) => (isFile(SWIFT_FILE) ? SWIFT_FILE : undefined),
  packages: { debian: ['python3-swift'], ubuntu: ['python3-swift'] },
  optional: 'the tests of objects on an S3 server are skipped',
};

/** Shows what a browser asks of the network. */
const STRACE_FILE = '/usr/bin/strace';
const STRACE = {
  name: 'strace',
  find: ({ isThere }) => (isThere(STRACE_FILE) ? STRACE_FILE : undefined),
  packages: { debian: ['strace'], ubuntu: ['strace'], fedora: ['strace'], arch: ['strace'] },
  optional: 'that nothing leaves a browser but through its proxy is not tried',
};

/** What a purpose (`start`, `tests`, `check`) needs of the system. */
export function listRequirements(purpose, platform) {
  if (purpose === 'check') return [];
  const onLinux = platform === 'linux' ? [XVFB, FONTS, MESA, COMPILER] : [];
  const forTests = [...TEST_PROGRAMS, SWIFT, ...(platform === 'linux' ? [STRACE] : [])];
  return [CHROMIUM, ...onLinux, ...(purpose === 'tests' ? forTests : [])];
}

/** Where a requirement is met, or undefined. @throws {SetupFailure} if the user chose something that is not there */
export function findRequirement(
  requirement,
  { environment = process.env, platform = process.platform, isThere = isExecutable, isFile = existsSync } = {},
) {
  const machine = { environment, platform, isThere, isFile };
  return (requirement.variable && chosenPath(requirement.variable, machine)) || requirement.find(machine);
}
