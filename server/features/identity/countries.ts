import { readData } from './device-population.ts';

/** A value with how often it is met. */
export interface Share {
  readonly value: string;
  readonly weight: number;
}

/** A country with what its people set their browsers to. */
export interface Country {
  /** ISO 3166-1 alpha-2. */
  readonly code: string;
  readonly weight: number;
  readonly locales: readonly Share[];
  readonly timezones: readonly Share[];
}

interface CountryRow {
  readonly country: string;
  readonly weight: number;
  readonly locales: Readonly<Record<string, number>>;
  readonly timezones: Readonly<Record<string, number>>;
}

function toShares(weights: Readonly<Record<string, number>>): Share[] {
  return Object.entries(weights).map(([value, weight]) => ({ value, weight }));
}

const read = new Map<string, Country>();

/** The countries most browsers are in. The file is read at the first call. */
export function listCountries(): readonly Country[] {
  if (read.size === 0) {
    for (const { country: code, weight, locales, timezones } of readData('countries') as CountryRow[]) {
      read.set(code, { code, weight, locales: toShares(locales), timezones: toShares(timezones) });
    }
  }
  return [...read.values()];
}

/** What is known of a country; undefined for one of the smaller ones. */
export function findCountry(code: string): Country | undefined {
  return listCountries().find((country) => country.code === code);
}

/** The locales used in a country; for those we know nothing of, its likely language as CLDR has it. */
export function localeShares(country: string): readonly Share[] {
  const known = findCountry(country)?.locales ?? [];
  if (known.length > 0) return known;
  const { language } = new Intl.Locale('und', { region: country }).maximize();
  return language === 'und' ? [{ value: 'en-US', weight: 1 }] : [{ value: `${language}-${country}`, weight: 1 }];
}
