import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { OS_FAMILIES, type OsFamily } from '@guise/contract';

import { listFontLinks, setConfig, setPlaces } from './font-config.ts';
import { listFontFiles } from './font-faces.ts';

const FONT_FOLDERS = ['/usr/share/fonts', '/usr/local/share/fonts'];
/** Written last: a set with it is whole. */
const DONE_FILE = 'done';
const CACHE_TIMEOUT_MS = 60_000;

/** The sets of fonts, or the reason why there are none. */
interface FontSets {
  /** Folder of the sets; undefined: identities go without. */
  readonly fontsDir: string | undefined;
  /** Font files that were not found. */
  readonly missingFiles: readonly string[];
}

async function findFontFiles(folders: readonly string[]): Promise<Map<string, string>> {
  const wanted = new Set(listFontFiles());
  const found = new Map<string, string>();
  for (const folder of folders) {
    // A folder that is not there has no fonts.
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const { name, parentPath } of entries) {
      if (wanted.has(name) && !found.has(name)) found.set(name, path.join(parentPath, name));
    }
  }
  return found;
}

/** Changes whenever what a set is made of does: a set once made is never touched again, since browsers may be using it. */
async function hashOf(files: ReadonlyMap<string, string>): Promise<string> {
  const hash = createHash('sha256');
  for (const [name, file] of [...files].sort(([left], [right]) => left.localeCompare(right))) {
    const { size, mtimeMs } = await stat(file);
    hash.update(`${name} ${file} ${size} ${mtimeMs}\n`);
  }
  for (const os of OS_FAMILIES) hash.update(setConfig('', os)).update(JSON.stringify(listFontLinks(os)));
  return hash.digest('hex').slice(0, 12);
}

async function makeSet(fontsDir: string, os: OsFamily, files: ReadonlyMap<string, string>): Promise<void> {
  const { folder, config } = setPlaces(fontsDir, os);
  await mkdir(folder, { recursive: true });
  for (const { name, file } of listFontLinks(os)) {
    await symlink(files.get(file) ?? file, path.join(folder, name)).catch((error: unknown) => {
      // From a start that was cut short, or by another service that makes the same set.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  }
  await writeFile(config, setConfig(fontsDir, os));
  const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: fontsDir, FONTCONFIG_FILE: config };
  // Without fontconfig's tool, the first browser fills the cache.
  await promisify(execFile)('fc-cache', [], { env: environment, timeout: CACHE_TIMEOUT_MS }).catch(() => undefined);
}

/**
 * Makes, or finds, one set of fonts for each system, of the font files this machine has: links to them and a configuration that names
 * them as the system's own are named.
 *
 * Called once per service, with a folder of its own. Safe to call by several at once.
 */
export async function openFontSets(parent: string, folders: readonly string[] = FONT_FOLDERS): Promise<FontSets> {
  const files = await findFontFiles(folders);
  const missingFiles = listFontFiles().filter((name) => !files.has(name));
  if (missingFiles.length > 0) return { fontsDir: undefined, missingFiles };
  const fontsDir = path.resolve(parent, await hashOf(files));
  const done = path.join(fontsDir, DONE_FILE);
  const isDone = await stat(done).then(
    () => true,
    () => false,
  );
  if (!isDone) {
    for (const os of OS_FAMILIES) await makeSet(fontsDir, os, files);
    await writeFile(done, '');
  }
  return { fontsDir, missingFiles };
}
