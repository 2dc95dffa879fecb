import { readFileSync } from 'node:fs';

import { connectCdp } from '../acceptance/cdp-client.ts';

/** Sends a signal to a process of a browser below `dataDir`; false when it is gone, or its id somebody else's by now. */
export function signalBrowser(pid: number, dataDir: string, signal: NodeJS.Signals): boolean {
  try {
    // Renderers have no folder in their arguments, but the environment of their browser.
    const facts = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'latin1'));
    if (!facts.some((each) => each.includes(dataDir))) return false;
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Process ids of the renderers of the browser behind a CDP address. */
export async function rendererPids(cdpUrl: string): Promise<number[]> {
  using client = await connectCdp(cdpUrl);
  const { processInfo } = await client.send('SystemInfo.getProcessInfo');
  const processes = processInfo as readonly { readonly type: string; readonly id: number }[];
  return processes.filter(({ type }) => type === 'renderer').map(({ id }) => id);
}
