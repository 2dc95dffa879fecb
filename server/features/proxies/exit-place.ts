import { readFileSync } from 'node:fs';

import type { ProxyExit } from '@guise/contract';

import { findTimezone, isSameClock, isSpoken, listTimezones, localeShares, timezoneShares } from '../identity/index.ts';
import type { DeclaredPlace } from './proxy-record.ts';

/** Where connections come out. */
export interface ExitPlace {
  /** null: it was not looked at, the owner of the proxy says where it is. */
  readonly address: string | null;
  readonly country: string | null;
  /** IANA name, as Chromium has it. */
  readonly timezone: string | null;
  /** false: the country has several clocks, and this is the likeliest. */
  readonly isTimezoneCertain: boolean;
  readonly locale: string | null;
  readonly latitude: number | null;
  readonly longitude: number | null;
}

type Place = Omit<ExitPlace, 'address'>;
type ZonePlace = readonly [zone: string, latitude: number, longitude: number];
interface ZonePlaces {
  /** By country, the zones as tzdata lists them: the more people live in one, the earlier. */
  readonly byCountry: ReadonlyMap<string, readonly ZonePlace[]>;
  readonly byZone: ReadonlyMap<string, ZonePlace>;
}

const NOWHERE: Place = {
  country: null,
  timezone: null,
  isTimezoneCertain: false,
  locale: null,
  latitude: null,
  longitude: null,
};

const read = new Map<'places', ZonePlaces>();

/** The main places of time zones, with the names Chromium has for them. The file is read at the first call. */
function readPlaces(): ZonePlaces {
  const known = read.get('places');
  if (known !== undefined) return known;
  const text = readFileSync(new URL('data/zone-places.json', import.meta.url), 'utf8');
  const listed = Object.entries(JSON.parse(text) as Record<string, ZonePlace[]>);
  const byCountry = new Map(
    listed.map(([country, zones]) => [
      country,
      zones.map(([zone, ...coordinates]): ZonePlace => [findTimezone(zone) ?? zone, ...coordinates]),
    ]),
  );
  const byZone = new Map([...byCountry.values()].flat().map((place) => [place[0], place]));
  read.set('places', { byCountry, byZone });
  return { byCountry, byZone };
}

function likelyTimezone(country: string): string | undefined {
  const shares = timezoneShares(country);
  const isKnown = shares.some(({ weight }) => weight !== shares[0]?.weight);
  const [most] = shares.toSorted((one, other) => other.weight - one.weight);
  return (isKnown ? undefined : readPlaces().byCountry.get(country)?.[0]?.[0]) ?? most?.value;
}

/** English where Chromium has no texts in the language of a country. */
function likelyLocale(country: string): string {
  const shares = localeShares(country).filter(({ value }) => isSpoken(value));
  return shares.toSorted((one, other) => other.weight - one.weight)[0]?.value ?? 'en-US';
}

function coordinatesOf(country: string, timezone: string): Pick<Place, 'latitude' | 'longitude'> {
  const { byCountry, byZone } = readPlaces();
  const own = byCountry.get(country)?.find(([zone]) => zone === timezone);
  const [, latitude = null, longitude = null] = own ?? byZone.get(timezone) ?? [];
  return { latitude, longitude };
}

/** What is most likely of somebody in a country: time zone, language, and the main place of that zone. */
export function placeOfCountry(country: string): Place {
  const timezone = likelyTimezone(country);
  if (timezone === undefined) return { ...NOWHERE, country };
  return {
    country,
    timezone,
    isTimezoneCertain: listTimezones(country).every((zone) => isSameClock(zone, timezone)),
    locale: likelyLocale(country),
    ...coordinatesOf(country, timezone),
  };
}

/** What is most likely of an exit whose address is in that country; null for one that is in none. */
export function exitIn(country: string | null, address: string): ProxyExit {
  return { ...(country === null ? NOWHERE : placeOfCountry(country)), address };
}

/** Coordinates its owner says, or else the main place of a time zone that is not the likely one, or what is likely. */
function mergeCoordinates(
  { latitude, longitude }: DeclaredPlace,
  likely: Place,
  { country, timezone }: { readonly country: string; readonly timezone: string | null },
): Pick<Place, 'latitude' | 'longitude'> {
  if (latitude !== null) return { latitude, longitude };
  if (timezone !== null && timezone !== likely.timezone) return coordinatesOf(country, timezone);
  return { latitude: likely.latitude, longitude: likely.longitude };
}

/**
 * Where a proxy comes out: what its owner says goes before what a check found. Undefined where neither tells the country.
 */
export function mergePlace(declared: DeclaredPlace, found: ProxyExit | null): ExitPlace | undefined {
  const country = declared.country ?? found?.country;
  if (country === undefined || country === null) return undefined;
  return { address: found?.address ?? null, country, ...placeWithin(country, declared, found) };
}

/** What is known of a place within a country, what its owner says first. */
function placeWithin(country: string, declared: DeclaredPlace, found: ProxyExit | null): Omit<Place, 'country'> {
  // What was found in another country says nothing of this one.
  const likely = found?.country === country ? found : placeOfCountry(country);
  const timezone = declared.timezone ?? likely.timezone;
  return {
    timezone,
    isTimezoneCertain: declared.timezone !== null || likely.isTimezoneCertain,
    locale: declared.locale ?? likely.locale,
    ...mergeCoordinates(declared, likely, { country, timezone }),
  };
}
