import { expect, it } from 'vitest';

import { launchBrowser } from '../../browser/index.ts';
import { openTestHost, PLAIN_BROWSER } from '../../testing/test-host.ts';
import { verdictOf } from './command-policy.ts';

interface Protocol {
  readonly domains: readonly { readonly domain: string; readonly commands?: readonly { readonly name: string }[] }[];
}

it('each command of the browser in use has been decided over', async () => {
  await using stack = new AsyncDisposableStack();
  const host = await openTestHost(stack);
  await using browser = await launchBrowser(PLAIN_BROWSER, host, AbortSignal.timeout(30_000));
  const answer = await fetch(`http://${browser.endpoint.host}/json/protocol`);
  const { domains } = (await answer.json()) as Protocol;
  const commands = domains.flatMap(({ domain, commands = [] }) => commands.map(({ name }) => `${domain}.${name}`));
  expect(commands.length).toBeGreaterThan(500);
  expect(commands.filter((command) => verdictOf(command).verdict === 'unknown')).toEqual([]);
});
