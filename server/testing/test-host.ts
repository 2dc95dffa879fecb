import { readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';

import {
  type BrowserHost,
  type BrowserProxy,
  DebuggingPorts,
  type BrowserSpec,
  findChromium,
  findXvfb,
  hasSharedMemory,
  openFolderRoot,
  ProcessGroups,
  readBrowserVersion,
} from '../browser/index.ts';
import { Egress, parseCidrList, parsePortRanges } from '../features/egress/index.ts';
import { findGroupsByEnvironment } from '../browser/process-tree.ts';
import { silentLogger } from '../platform/logger/logger.ts';
import { openTestDirectory } from './test-directory.ts';

const LAUNCH_TIMEOUT_MS = 30_000;

/** The spec tests start from: a browser without anything special. */
export const PLAIN_BROWSER: BrowserSpec = {
  headless: true,
  hideAutomation: true,
  viewport: { width: 1280, height: 720 },
  launchArgs: [],
  extensionDirs: [],
};

const egress = new Egress({
  policy: { allow: parseCidrList('127.0.0.0/8,::1/128'), deny: [], proxyAllow: [] },
  ports: parsePortRanges('1-65535'),
  logger: silentLogger,
});

/** The real proxy of a browser, which lets it reach this machine. */
async function openForLoopback(port?: number): Promise<BrowserProxy> {
  const proxy = await egress.open(port);
  const rules = {
    upstreams: undefined,
    allowedDomains: undefined,
    blockedDomains: [],
    findBlocked: undefined,
    trafficLimitBytes: null,
  };
  proxy.configure(rules, { refused: () => undefined, failed: () => undefined });
  return proxy;
}

/** Closes the proxies of all browsers that run, as the end of a service does that leaves its browsers behind. */
export async function loseProxies(): Promise<void> {
  await egress[Symbol.asyncDispose]();
}

/** The real Chromium of this machine, with a folder of the test's own. `stack` removes it. */
export async function openTestHost(stack: AsyncDisposableStack): Promise<BrowserHost> {
  const foldersRoot = path.join(await openTestDirectory(stack), 'b');
  await openFolderRoot(foldersRoot);
  return findTestHost(foldersRoot);
}

/** The real Chromium of this machine, with browser folders below an opened root. */
export async function findTestHost(foldersRoot: string): Promise<BrowserHost> {
  const executablePath = process.env['CHROMIUM_PATH'] ?? findChromium();
  if (executablePath === undefined) throw new Error('Browser tests need Chromium; npm test installs it');
  return {
    executablePath,
    version: await readBrowserVersion(executablePath),
    // Chromium refuses its sandbox to root, which is what CI containers run as.
    sandbox: userInfo().uid !== 0,
    xvfbPath: process.env['XVFB_PATH'] ?? findXvfb(),
    foldersRoot,
    sharedMemory: hasSharedMemory(),
    groups: new ProcessGroups(),
    debuggingPorts: new DebuggingPorts(),
    openProxy: openForLoopback,
    launchTimeoutMs: LAUNCH_TIMEOUT_MS,
  };
}

/** What is left of a host's browsers, asked of the operating system: process groups and folders. */
export async function whatIsLeft(host: BrowserHost): Promise<{ groups: number[]; folders: string[] }> {
  const groups = await findGroupsByEnvironment(`GUISE_BROWSERS_DIR=${host.foldersRoot}`);
  return { groups, folders: await readdir(host.foldersRoot) };
}
