import { readFileSync } from 'node:fs';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { ROOT } from '../setup/paths.mjs';
import { listCommands } from './readme-commands.mjs';

/** What needs neither engine nor stack, and which test runs it. */
const RUN_ELSEWHERE = {
  'promtool test rules alerts.test.yml': 'cloud/config/monitoring.cluster.test.ts',
  "echo 'BROWSER_SANDBOX=off' >>.env": 'tools/compose/image-checks.mjs',
};

describe('the commands of the operators’ guide', () => {
  it('are found with what they need, until the next mark or the end of the chapter', () => {
    const guide = ['⚙', '```sh', 'a', '```', 'then ▶:', '```js', 'b', 'c', '```', '## Next', '```sh', 'd', '```'];
    expect(listCommands(guide.join('\n')).map(({ needs, text }) => [needs, text])).toEqual([
      ['engine', 'a'],
      ['stack', 'b\nc'],
      ['nothing', 'd'],
    ]);
  });

  it('are marked, or run by a test that needs neither engine nor stack', () => {
    const commands = listCommands(readFileSync(path.join(ROOT, 'cloud/README.md'), 'utf8'));
    const unmarked = commands.filter(({ needs }) => needs === 'nothing');
    expect(unmarked).toHaveLength(Object.keys(RUN_ELSEWHERE).length);
    for (const [command, test] of Object.entries(RUN_ELSEWHERE)) {
      expect(unmarked.filter(({ text }) => text.includes(command))).toHaveLength(1);
      expect(readFileSync(path.join(ROOT, test), 'utf8')).toMatch(/promtool\('test', 'rules'|BROWSER_SANDBOX=off/);
    }
    expect(commands.filter(({ needs }) => needs === 'stack').length).toBeGreaterThan(5);
  });
});
