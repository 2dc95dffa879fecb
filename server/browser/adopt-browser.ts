import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { once } from '../lib/once.ts';
import type { Browser } from './browser.ts';
import { type BrowserFolder, folderAt, FOLDER_VARIABLE, isFolderName } from './browser-folder.ts';
import { BrowserHome, type OwnerNote, readOwnerNote } from './browser-home.ts';
import { type BrowserProcess, KILL_DEADLINE_MS } from './browser-process.ts';
import type { BrowserHost } from './browser-spec.ts';
import { connectBrowser } from './launch-browser.ts';
import {
  currentStartTicks,
  findDetachedHelpers,
  signalGroup,
  waitForGroupEnd,
  waitForProcessesEnd,
} from './process-tree.ts';
import { SOCKET_PREFIX, type VirtualDisplay } from './virtual-display.ts';

const LIFE_CHECK_MS = 500;

/** A browser that runs and whose owner is known. */
export interface OwnedBrowser {
  readonly owner: string;
  readonly folder: BrowserFolder;
  readonly note: OwnerNote;
}

/**
 * Finds the browsers below `root` that a service which was killed left running, and that say whose they are.
 *
 * A note is believed when the very process it names still runs.
 */
export async function findOwnedBrowsers(root: string): Promise<OwnedBrowser[]> {
  const names = (await readdir(root)).filter(isFolderName);
  const found = await Promise.all(
    names.map(async (name) => {
      const folder = folderAt(path.join(root, name));
      const note = await readOwnerNote(folder);
      if (note === undefined || (await currentStartTicks(note.pid)) !== note.startTicks) return [];
      return [{ owner: note.owner, folder, note }];
    }),
  );
  return found.flat();
}

/** Waits, by looking, for the end of a process that is not our child. */
async function waitForEnd({ pid, startTicks }: OwnerNote): Promise<void> {
  while ((await currentStartTicks(pid)) === startTicks) await sleep(LIFE_CHECK_MS, undefined, { ref: false });
}

/** A Chromium that another process started, as ours. */
async function adoptProcess({ folder, note }: OwnedBrowser, host: BrowserHost): Promise<BrowserProcess> {
  const { pid, startTicks } = note;
  const helpers = await findDetachedHelpers(pid, FOLDER_VARIABLE, folder.path);
  const forget = host.groups.add(pid, 'SIGKILL');
  const exited = waitForEnd(note).then(() => {
    forget();
    return { exitCode: null, signal: null };
  });
  return {
    pid,
    endpoint: new URL(note.endpoint),
    exited,
    log: [],
    helpers,
    [Symbol.asyncDispose]: once(async () => {
      // Only while its leader is there: afterwards the id of the group may be somebody else's.
      if ((await currentStartTicks(pid)) === startTicks) signalGroup(pid, 'SIGKILL');
      const deadline = AbortSignal.timeout(KILL_DEADLINE_MS);
      await waitForProcessesEnd([pid, ...helpers], deadline);
      await waitForGroupEnd(pid, deadline);
      forget();
    }),
  };
}

function adoptDisplay(display: NonNullable<OwnerNote['display']>, host: BrowserHost): VirtualDisplay {
  const { pid, name, authorityFile } = display;
  const forget = host.groups.add(pid, 'SIGTERM');
  return {
    pid,
    name,
    authorityFile,
    [Symbol.asyncDispose]: once(async () => {
      signalGroup(pid, 'SIGTERM');
      await waitForGroupEnd(pid, AbortSignal.timeout(KILL_DEADLINE_MS));
      forget();
      await rm(`${SOCKET_PREFIX}${name.slice(1)}`, { force: true });
    }),
  };
}

/**
 * Takes over a browser another process started: the same pages, our own connection. The caller must dispose it.
 *
 * @throws what the connection fails with, or the signal's reason; the browser and its folder are gone then
 */
export async function adoptBrowser(owned: OwnedBrowser, host: BrowserHost, signal: AbortSignal): Promise<Browser> {
  const { folder, note } = owned;
  const { spec } = note;
  await using stack = new AsyncDisposableStack();
  const home = stack.use(new BrowserHome(folder));
  const display = note.display && stack.use(adoptDisplay(note.display, host));
  const process = stack.use(await adoptProcess(owned, host));
  await home.openProxy(host, note.proxyPort);
  return await connectBrowser({ spec, home, display, process }, { host, stack, isNew: false }, signal);
}
