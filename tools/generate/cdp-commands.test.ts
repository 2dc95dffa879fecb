import { expect, it } from 'vitest';

import { readCdpCommands, renderCdpCommands } from './cdp-commands.ts';

it('docs/cdp-commands.md says what the tables of the gateway say', async () => {
  // Mend it with: node tools/generate/cdp-commands.ts
  expect(readCdpCommands()).toBe(await renderCdpCommands());
});
