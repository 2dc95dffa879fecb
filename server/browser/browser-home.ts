import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { once } from '../lib/once.ts';
import { type BrowserFolder, createBrowserFolder, removeBrowserFolder } from './browser-folder.ts';
import type { BrowserSpec } from './browser-spec.ts';

const OWNER_FILE = 'owner.json';

/** Files by which Chromium notes that its user-data directory is in use; left behind when it was killed. */
const SINGLETON_FILES = ['SingletonLock', 'SingletonCookie', 'SingletonSocket'];

/** Whose a running browser is, and how to find it again. */
export interface OwnerNote {
  /** Chosen by the owner; nothing to the browser. */
  readonly owner: string;
  readonly spec: BrowserSpec;
  readonly pid: number;
  /** With the pid it names one process for ever. */
  readonly startTicks: string;
  readonly endpoint: string;
  readonly display?: { readonly pid: number; readonly name: string; readonly authorityFile: string } | undefined;
}

/** A browser's folder while it is somebody's: removed when disposed, unless it was handed over before. */
export class BrowserHome implements AsyncDisposable {
  readonly folder: BrowserFolder;
  #isHandedOver = false;
  readonly [Symbol.asyncDispose] = once(async () => {
    if (!this.#isHandedOver) await removeBrowserFolder(this.folder.path);
  });

  constructor(folder: BrowserFolder) {
    this.folder = folder;
  }

  /** Makes an empty one. The caller must dispose it. */
  static async create(root: string): Promise<BrowserHome> {
    return new BrowserHome(await createBrowserFolder(root));
  }

  /** The same folder for a successor, whose disposal removes it; this one's does not any more. */
  handOver(): BrowserHome {
    this.#isHandedOver = true;
    return new BrowserHome(this.folder);
  }

  /** Makes the user-data directory free for another browser. */
  async unlock(): Promise<void> {
    const { userDataDir } = this.folder;
    await Promise.all(SINGLETON_FILES.map((name) => rm(path.join(userDataDir, name), { force: true })));
  }

  /** Writes the note, or removes it. A reader sees a whole one or none. */
  async writeOwner(note: OwnerNote | undefined): Promise<void> {
    const file = path.join(this.folder.path, OWNER_FILE);
    if (note === undefined) {
      await rm(file, { force: true });
      return;
    }
    await writeFile(`${file}.new`, JSON.stringify(note), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  /** The note, or undefined where there is none that can be read. */
  async readOwner(): Promise<OwnerNote | undefined> {
    try {
      return JSON.parse(await readFile(path.join(this.folder.path, OWNER_FILE), 'utf8')) as OwnerNote;
    } catch {
      return undefined;
    }
  }
}
