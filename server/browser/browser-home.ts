import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { once } from '../lib/once.ts';
import { type BrowserFolder, createBrowserFolder, removeBrowserFolder } from './browser-folder.ts';
import type { BrowserIdentity } from './browser-identity.ts';
import type { BrowserSpec } from './browser-spec.ts';

const OWNER_FILE = 'owner.json';

/** Files by which Chromium notes that its user-data directory is in use; left behind when it was killed. */
const SINGLETON_FILES = ['SingletonLock', 'SingletonCookie', 'SingletonSocket'];

const PREFERENCES_FILE = 'Default/Preferences';

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `base` with all of `changes`, object by object. */
function merge(base: JsonObject, changes: JsonObject): JsonObject {
  const merged = Object.entries(changes).map(([key, value]) => {
    const before = base[key];
    return [key, isObject(before) && isObject(value) ? merge(before, value) : value] as const;
  });
  return { ...base, ...Object.fromEntries(merged) };
}

/** The object in a JSON file; an empty one where there is none that can be read, which is what Chromium takes it for too. */
async function readObject(file: string): Promise<JsonObject> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

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

  /** Puts into it the files and preferences an identity needs. To be done before its browser starts. */
  async furnish({ files, preferences }: Pick<BrowserIdentity, 'files' | 'preferences'>): Promise<void> {
    for (const { path: name, content } of files) {
      const file = path.join(this.folder.path, name);
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(file, content, { mode: 0o600 });
    }
    if (Object.keys(preferences).length === 0) return;
    const file = path.join(this.folder.userDataDir, PREFERENCES_FILE);
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, JSON.stringify(merge(await readObject(file), preferences)), { mode: 0o600 });
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
