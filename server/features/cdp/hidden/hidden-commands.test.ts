import { expect, it } from 'vitest';

import { verdictOf } from '../command-policy.ts';
import { HIDDEN_COMMANDS, treatmentOf } from './hidden-commands.ts';

const names = HIDDEN_COMMANDS.flatMap(([, , row]) => row.trim().split(/\s+/));

it('names each command once, and only such as may be sent otherwise', () => {
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect([name, verdictOf(name).verdict]).not.toEqual([name, 'unknown']);
  for (const name of names) expect([name, verdictOf(name).verdict]).not.toEqual([name, 'refuse']);
});

it('lets no command switch on what a page notices', () => {
  expect(treatmentOf('Runtime.enable')?.kind).toBe('handle');
  expect(treatmentOf('Debugger.enable')?.kind).toBe('refuse');
  expect(treatmentOf('Page.navigate')).toBeUndefined();
});
