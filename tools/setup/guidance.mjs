const APT = 'sudo apt-get update && sudo apt-get install --no-install-recommends';
const INSTALL_COMMANDS = {
  debian: APT,
  ubuntu: APT,
  fedora: 'sudo dnf install',
  arch: 'sudo pacman -S',
  darwin: 'brew install',
};

/** Where a browser is not one of the system's ordinary packages. */
const CHROMIUM_BY_HAND = {
  ubuntu: [
    'curl -fLO https://dl.google.com/linux/direct/google-chrome-stable_current_amd64.deb',
    'sudo apt-get install ./google-chrome-stable_current_amd64.deb',
  ],
  darwin: ['brew install --cask google-chrome'],
};

function listCommands(family, missing) {
  const packages = missing.flatMap(({ packages }) => packages[family] ?? []);
  const commands = [];
  if (packages.length > 0) commands.push(`${INSTALL_COMMANDS[family]} ${packages.join(' ')}`);
  if (missing.some(({ name }) => name === 'Chromium')) commands.push(...(CHROMIUM_BY_HAND[family] ?? []));
  return commands;
}

/**
 * The one message about all that is missing and how to get it.
 * @param options.family what kind of system this is (see system.mjs)
 * @param options.why why set-up did not install it itself
 */
export function explainMissing(missing, { family, why }) {
  const commands = listCommands(family, missing);
  const isOptional = missing.every(({ optional }) => optional);
  const canChoose = missing.some(({ variable }) => variable === 'CHROMIUM_PATH');
  return [
    `Missing: ${missing.map(({ name, optional }) => (optional ? `${name} (without it ${optional})` : name)).join(', ')}.`,
    ...(why ? [why] : []),
    ...(commands.length > 0
      ? ['Install it with:', '', ...commands.map((command) => `    ${command}`), '']
      : ["Install it with your system's package manager."]),
    ...(canChoose ? ['Or set CHROMIUM_PATH to the binary of a Chromium or Chrome that you have.'] : []),
    ...(isOptional ? [] : ['Then run the same command again.']),
  ].join('\n');
}
