import { readlink } from 'node:fs/promises';
import path from 'node:path';

import { CdpClient } from './cdp-client.ts';
import { readArguments } from './process-facts.ts';

const PORT_FLAG = '--remote-debugging-port=';
const USER_DATA_FLAG = '--user-data-dir=';
/** Flags that depend on the host and cost or save time: a raw browser gets those a session's browser has. */
const HOST_FLAGS = ['--no-sandbox', '--disable-dev-shm-usage'];

/** The browser behind a session, as the operating system sees it. */
export interface SessionBrowser {
  /** Its main process, which leads a process group. */
  readonly pid: number;
  /** Everything it writes is below this folder. */
  readonly folder: string;
  /** Browser-level address at its own debugging port, past the gateway. */
  readonly endpoint: URL;
  readonly executablePath: string;
  readonly hostFlags: readonly string[];
}

/**
 * Finds the browser behind a session from the outside: it says its process id, its command line says its folder and its
 * port.
 */
export async function findSessionBrowser(cdpUrl: string, signal: AbortSignal): Promise<SessionBrowser> {
  const pid = await askProcessId(cdpUrl, signal);
  const flags = await readArguments(pid);
  const userDataDir = flags.find((flag) => flag.startsWith(USER_DATA_FLAG))?.slice(USER_DATA_FLAG.length);
  if (userDataDir === undefined) throw new Error(`Process ${pid} is no browser with a folder of its own`);
  const port = flags.find((flag) => flag.startsWith(PORT_FLAG))?.slice(PORT_FLAG.length) ?? '';
  const version = await fetch(`http://127.0.0.1:${port}/json/version`, { signal });
  const { webSocketDebuggerUrl } = (await version.json()) as { webSocketDebuggerUrl: string };
  return {
    pid,
    folder: path.dirname(userDataDir),
    endpoint: new URL(webSocketDebuggerUrl),
    executablePath: await readlink(`/proc/${pid}/exe`),
    hostFlags: flags.filter((flag) => HOST_FLAGS.includes(flag)),
  };
}

async function askProcessId(cdpUrl: string, signal: AbortSignal): Promise<number> {
  using client = await CdpClient.open(cdpUrl, signal);
  const { processInfo } = (await client.send('SystemInfo.getProcessInfo')).value;
  const browser = processInfo.find(({ type }) => type === 'browser');
  if (browser === undefined) throw new Error('The browser does not say which process it is');
  return browser.id;
}
