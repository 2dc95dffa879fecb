import type { OsFamily } from '@guise/contract';

import type { SeededRandom } from '../../lib/seeded-random.ts';
import { readData } from './device-population.ts';

interface OptionalFonts {
  /** Of the devices that can have them. */
  readonly share: number;
  /** Of the devices whose model fits, a regular expression; absent: of all. */
  readonly model?: string;
  readonly families: readonly string[];
}

/** The fonts of a system: `data/fonts.json`. */
interface FontSet {
  readonly base: readonly string[];
  /** What a version has beside them. */
  readonly versions: Readonly<Record<string, readonly string[]>>;
  readonly optional: readonly OptionalFonts[];
  /** By which scripts know the system. */
  readonly markers: readonly string[];
  /** By which they know its version. */
  readonly byVersion: Readonly<Record<string, readonly string[]>>;
  /** What comes with other systems only. */
  readonly foreign: readonly string[];
}

const sets = new Map<string, FontSet>();

function fontSet(os: OsFamily): FontSet {
  if (sets.size === 0) {
    for (const [name, set] of Object.entries(readData('fonts') as Record<OsFamily, FontSet>)) sets.set(name, set);
  }
  const set = sets.get(os);
  if (set === undefined) throw new Error(`There are no fonts for ${os}`);
  return set;
}

function sorted(families: Iterable<string>): string[] {
  return [...new Set(families)].sort((one, other) => (one < other ? -1 : 1));
}

/** What a device is, as far as its fonts depend on it. */
interface FontOwner {
  readonly os: OsFamily;
  readonly osVersion: string;
  readonly model: string;
}

/** The families a device comes with, and those its owner added. */
export function drawFonts({ os, osVersion, model }: FontOwner, random: SeededRandom): string[] {
  const { base, versions, optional } = fontSet(os);
  const fits = optional.filter((each) => each.model === undefined || new RegExp(each.model).test(model));
  // Each has its turn, so that one more of them leaves the others as they are.
  const added = fits.flatMap(({ share, families }) => (random.chance(share) ? families : []));
  return sorted([...base, ...(versions[osVersion] ?? []), ...added]);
}

/** All families a device of a system may have. */
export function listPossibleFonts(os: OsFamily): string[] {
  const { base, versions, optional } = fontSet(os);
  return sorted([...base, ...Object.values(versions).flat(), ...optional.flatMap(({ families }) => families)]);
}

/** Families a device must have and does not, and families it cannot have and does. */
export function fontFaults(
  fonts: readonly string[],
  { os, osVersion }: Pick<FontOwner, 'os' | 'osVersion'>,
): { readonly missing: readonly string[]; readonly foreign: readonly string[] } {
  const set = fontSet(os);
  const has = new Set(fonts);
  const ofOtherVersions = Object.entries(set.byVersion).flatMap(([version, marks]) =>
    version === osVersion ? [] : marks,
  );
  return {
    missing: [...set.markers, ...(set.byVersion[osVersion] ?? [])].filter((family) => !has.has(family)),
    foreign: [...set.foreign, ...ofOtherVersions].filter((family) => has.has(family)),
  };
}

/** The same fonts without those the system cannot have, with all it comes with. */
export function mendFonts(fonts: readonly string[], owner: Pick<FontOwner, 'os' | 'osVersion'>): string[] {
  const { base, versions } = fontSet(owner.os);
  const { foreign } = fontFaults(fonts, owner);
  return sorted([
    ...fonts.filter((family) => !foreign.includes(family)),
    ...base,
    ...(versions[owner.osVersion] ?? []),
  ]);
}
