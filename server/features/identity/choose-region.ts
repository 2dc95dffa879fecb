import type { FingerprintConstraints } from '@guise/contract';

import { invalidField } from '../../lib/app-error.ts';
import { defined } from '../../lib/defined.ts';
import { SeededRandom } from '../../lib/seeded-random.ts';
import { listCountries, localeShares } from './countries.ts';
import { findLanguageTag, isSpoken } from './languages.ts';
import { findTimezone, listTimezones, timezoneShares } from './time-zones.ts';

/** Where a browser is and what its user speaks. */
export interface Region {
  /** ISO 3166-1 alpha-2; undefined where the time zone is of no country, as UTC. */
  readonly country: string | undefined;
  readonly locale: string;
  readonly timezone: string;
}

type RegionConstraints = Pick<FingerprintConstraints, 'locale' | 'country' | 'timezone'>;

const LETTERS = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + index));

/** All that could be one. */
const COUNTRY_CODES = LETTERS.flatMap((first) => LETTERS.map((second) => `${first}${second}`));

/** @throws {AppError} VALIDATION_FAILED */
function checkLocale(locale: string): string {
  const tag = findLanguageTag(locale);
  if (tag === undefined) throw invalidField('/locale', `${locale} is no language tag`);
  if (!isSpoken(tag)) throw invalidField('/locale', `Chromium has no texts in the language of ${tag}`);
  return tag;
}

/** @throws {AppError} VALIDATION_FAILED */
function checkTimezone(name: string, country: string | undefined): string {
  const timezone = findTimezone(name);
  if (timezone === undefined) throw invalidField('/timezone', `${name} is not the IANA name of a time zone`);
  if (country !== undefined && !listTimezones(country).includes(timezone)) {
    throw invalidField('/timezone', `${name} is not a time zone of ${country}`);
  }
  return timezone;
}

/** @throws {AppError} VALIDATION_FAILED */
function checkCountry(country: string): string {
  if (listTimezones(country).length === 0) throw invalidField('/country', `there is no country ${country}`);
  return country;
}

/** The country of a time zone: of the larger ones the one that is met most, or else the first whose zone it is. */
function countryOfTimezone(timezone: string): string | undefined {
  const known = listCountries().filter(({ code }) => listTimezones(code).includes(timezone));
  const [most] = known.sort((one, other) => other.weight - one.weight);
  if (most !== undefined) return most.code;
  return COUNTRY_CODES.find((code) => listTimezones(code).includes(timezone));
}

/** Where people live who speak as a locale says: in its region, or in any country that speaks it, as with `es-419`. */
function countryOfLocale(locale: string, random: SeededRandom): string | undefined {
  const { region } = new Intl.Locale(locale).maximize();
  if (region !== undefined && listTimezones(region).length > 0) return region;
  const speakers = listCountries().filter(({ locales }) => locales.some(({ value }) => value === locale));
  return random.pick(speakers, ({ weight }) => weight)?.code;
}

function chooseCountry({ locale, country, timezone }: Partial<Region>, random: SeededRandom): string | undefined {
  if (country !== undefined) return country;
  if (timezone !== undefined) return countryOfTimezone(timezone);
  if (locale !== undefined) return countryOfLocale(locale, random);
  return random.pick(listCountries(), ({ weight }) => weight)?.code;
}

/**
 * Draws country, locale and time zone that belong together. A locale asked for is honoured anywhere: people move.
 *
 * @throws {AppError} VALIDATION_FAILED for a locale, country or time zone that does not exist, or a time zone of another country
 */
export function chooseRegion(constraints: RegionConstraints, seed: number): Region {
  const random = new SeededRandom(seed, 'region');
  const locale = constraints.locale === undefined ? undefined : checkLocale(constraints.locale);
  const asked = constraints.country === undefined ? undefined : checkCountry(constraints.country);
  const zone = constraints.timezone === undefined ? undefined : checkTimezone(constraints.timezone, asked);
  const country = chooseCountry({ ...defined({ locale, timezone: zone }), country: asked }, random);
  return {
    country,
    locale: locale ?? drawLocale(country, random),
    timezone: zone ?? drawTimezone(country, random),
  };
}

function drawLocale(country: string | undefined, random: SeededRandom): string {
  const shares = country === undefined ? [] : localeShares(country).filter(({ value }) => isSpoken(value));
  return random.pick(shares, ({ weight }) => weight)?.value ?? 'en-US';
}

function drawTimezone(country: string | undefined, random: SeededRandom): string {
  const shares = country === undefined ? [] : timezoneShares(country);
  return random.pick(shares, ({ weight }) => weight)?.value ?? 'America/New_York';
}
