import { readFileSync } from 'node:fs';
import path from 'node:path';

import { expect, it } from 'vitest';

import { ROOT } from './paths.mjs';
import { listRequirements } from './requirements.mjs';

it('is what the image of a node has too, but for the compiler, which is there only while it is built', () => {
  const dockerfile = readFileSync(path.join(ROOT, 'docker/Dockerfile.cloud'), 'utf8');
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  const installed = last.match(/^ {4}[a-z0-9-]+(?= \\$)/gm).map((line) => line.trim());
  const wanted = listRequirements('start', 'linux').filter(({ name }) => name !== 'C compiler');
  for (const name of wanted.flatMap(({ packages }) => packages.debian)) expect(installed).toContain(name);
  expect(installed).not.toContain('tcc');
});
