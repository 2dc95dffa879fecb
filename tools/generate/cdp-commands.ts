/** `node tools/generate/cdp-commands.ts`: writes docs/cdp-commands.md anew from the tables of the CDP gateway. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { format, resolveConfig } from 'prettier';

import { ALLOWED_COMMANDS, HIDDEN_COMMANDS, RESTRICTED_COMMANDS } from '../../server/features/cdp/index.ts';

const FILE = path.resolve(import.meta.dirname, '../../docs/cdp-commands.md');

const VERDICTS = {
  refuse: 'refused',
  inspect: 'looked at',
  rewrite: 'changed',
  leave: 'answered by the gateway',
} as const;

const TREATMENTS = {
  handle: 'handled by the gateway',
  clean: 'cleaned',
  ignore: 'answered as done, not sent',
  refuse: 'refused',
} as const;

const HIDDEN_INTRODUCTION = `In a session whose \`stealthLevel\` is not \`none\`, these commands are treated otherwise, so that no page notices its client;
[hidden-clients.md](hidden-clients.md) says what that means for drivers. What is not sent is noted in the history of the session as
\`emulationIgnored\`, once for each command. A script that is _cleaned_ goes on unchanged when its command is longer than 4 MiB.
`;

const INTRODUCTION = `# CDP commands

<!-- Written by tools/generate/cdp-commands.ts from server/features/cdp/: change the tables there. -->

What a client of a session may send to its browser, on every address that speaks CDP. A refused command is answered with an error
that says why (\`code\` -32000), and noted in the history of the session as \`commandRefused\`. A command that is in neither table is
answered as one Chromium does not know (\`code\` -32601).

A command that is _looked at_ goes on only with parameters that are fine, and may be 32 MiB long. Its text is written anew: keys that came
twice, and what only some parsers take, do not reach the browser.

A message may be 256 MiB long. Whatever the command: a message that is no JSON object, that names its method not at all or twice, or escapes one
of its outermost keys, ends the connection (1007, 1008), as do frames that break RFC 6455 (1002), binary messages (1003) and longer ones (1009).
A method that is not simply allowed has to stand in the first MiB of its message.
`;

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** The text of docs/cdp-commands.md. */
export async function renderCdpCommands(): Promise<string> {
  const restricted = Object.entries(RESTRICTED_COMMANDS)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { verdict, why }]) => row(`\`${name}\``, VERDICTS[verdict], why));
  const hidden = HIDDEN_COMMANDS.map(([kind, why, names]) => {
    const list = names.trim().split(/\s+/).sort();
    return `- ${TREATMENTS[kind]}, because ${why}: ${list.map((name) => `\`${name}\``).join(', ')}`;
  });
  // A list: the rows of a table would all be as long as the longest.
  const allowed = Object.entries(ALLOWED_COMMANDS).map(
    ([domain, [why, names]]) => `- **${domain}**, ${why}: ${names.trim().split(/\s+/).join(', ')}`,
  );
  const text = [
    INTRODUCTION,
    '## Refused, looked at, changed',
    row('command', 'is', 'because'),
    row('---', '---', '---'),
    ...restricted,
    '',
    '## Treated otherwise in sessions that hide their clients',
    HIDDEN_INTRODUCTION,
    ...hidden,
    '',
    '## Allowed',
    'By domain, with what its commands do.',
    '',
    ...allowed,
  ].join('\n');
  return format(text, { ...(await resolveConfig(FILE)), parser: 'markdown' });
}

/** The text as it is in the repository. */
export function readCdpCommands(): string {
  return readFileSync(FILE, 'utf8');
}

if (import.meta.main) writeFileSync(FILE, await renderCdpCommands());
