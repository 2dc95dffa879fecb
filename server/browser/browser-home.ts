import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { once } from '../lib/once.ts';
import { type BrowserFolder, createBrowserFolder, removeBrowserFolder } from './browser-folder.ts';
import type { BrowserIdentity } from './browser-identity.ts';
import type { BrowserHost, BrowserProxy, BrowserSpec } from './browser-spec.ts';
import { toDiskFull } from './disk-full.ts';

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
  /** Port of its proxy: with another it would have no way out. */
  readonly proxyPort: number;
  readonly display?: { readonly pid: number; readonly name: string; readonly authorityFile: string } | undefined;
}

/** The note in a browser's folder; undefined where there is none that can be read. */
export async function readOwnerNote(folder: BrowserFolder): Promise<OwnerNote | undefined> {
  try {
    return JSON.parse(await readFile(path.join(folder.path, OWNER_FILE), 'utf8')) as OwnerNote;
  } catch {
    return undefined;
  }
}

/**
 * What outlives one browser for its successor: its folder, and the proxy it leaves through with the rules that hold there. The folder is
 * removed and the proxy closed when it is disposed, unless it was handed over before.
 */
export class BrowserHome implements AsyncDisposable {
  readonly folder: BrowserFolder;
  #proxy: BrowserProxy | undefined;
  #isHandedOver = false;
  readonly [Symbol.asyncDispose] = once(async () => {
    if (this.#isHandedOver) return;
    await this.#proxy?.[Symbol.asyncDispose]();
    await removeBrowserFolder(this.folder.path);
  });

  constructor(folder: BrowserFolder, proxy?: BrowserProxy) {
    this.folder = folder;
    this.#proxy = proxy;
  }

  /** Makes an empty one. The caller must dispose it. */
  static async create(root: string): Promise<BrowserHome> {
    return new BrowserHome(await createBrowserFolder(root));
  }

  /** The same folder for a successor, whose disposal removes it; this one's does not any more. */
  handOver(): BrowserHome {
    this.#isHandedOver = true;
    return new BrowserHome(this.folder, this.#proxy);
  }

  /** Port of its proxy; 0 before one is opened. */
  get proxyPort(): number {
    return this.#proxy?.port ?? 0;
  }

  /** Opens its proxy if it has none yet: on a certain port where its browser runs already. Resolves to the port. */
  async openProxy({ openProxy }: Pick<BrowserHost, 'openProxy'>, port?: number): Promise<number> {
    this.#proxy ??= await openProxy(port);
    return this.#proxy.port;
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

  /** Writes the note, or removes it. A reader sees a whole one or none. @throws {AppError} BROWSER_LAUNCH_FAILED when the disk is full */
  async writeOwner(note: OwnerNote | undefined): Promise<void> {
    const file = path.join(this.folder.path, OWNER_FILE);
    if (note === undefined) {
      await rm(file, { force: true });
      return;
    }
    try {
      await writeFile(`${file}.new`, JSON.stringify(note), { mode: 0o600 });
      await rename(`${file}.new`, file);
    } catch (error) {
      throw toDiskFull(error) ?? error;
    }
  }
}
