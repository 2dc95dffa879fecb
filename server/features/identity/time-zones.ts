import type { Share } from './countries.ts';
import { findCountry } from './countries.ts';

const MINUTES_PER_DAY = 24 * 60;

/** A day in winter and one in summer: zones that agree on both show the same clock all year. */
const PROBED_DAYS = [Date.UTC(2026, 0, 15, 12), Date.UTC(2026, 6, 15, 12)] as const;

/**
 * The name by which Chromium calls a time zone: `Asia/Calcutta` for `asia/kolkata`. Undefined where there is no such zone; offsets such
 * as +05:30 are none.
 */
export function findTimezone(name: string): string | undefined {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return /^[+-]/.test(timeZone) ? undefined : timeZone;
  } catch {
    // There is none of that name.
    return undefined;
  }
}

function readTimezones(country: string): readonly string[] {
  try {
    // Declared since ES2026 only.
    const locale = new Intl.Locale('und', { region: country }) as Intl.Locale & {
      getTimeZones(): string[] | undefined;
    };
    return locale.getTimeZones() ?? [];
  } catch {
    // Not two letters.
    return [];
  }
}

/** By country; a look-up takes a quarter of a millisecond. There are no more codes than pairs of letters. */
const zonesByCountry = new Map<string, readonly string[]>();

/** All zones of a country (ISO 3166-1 alpha-2), as Chromium calls them; none where there is no such country. */
export function listTimezones(country: string): readonly string[] {
  if (!/^[A-Z]{2}$/.test(country)) return [];
  const zones = zonesByCountry.get(country) ?? readTimezones(country);
  zonesByCountry.set(country, zones);
  return zones;
}

/** The zones of a country with how many people live in them, as far as it is known. */
export function timezoneShares(country: string): readonly Share[] {
  const known = findCountry(country)?.timezones ?? [];
  return known.length > 0 ? known : listTimezones(country).map((value) => ({ value, weight: 1 }));
}

/** Minutes that a zone is ahead of UTC on a day. */
function offsetMinutes(timezone: string, day: number): number {
  const parts = new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' }).formatToParts(day);
  const text = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes] = /GMT([+-])(\d\d):(\d\d)/.exec(text) ?? [];
  const size = Number(hours ?? 0) * 60 + Number(minutes ?? 0);
  return sign === '-' ? -size : size;
}

/** Whether clocks in two zones show the same time, in winter and in summer. */
export function isSameClock(one: string, other: string): boolean {
  return PROBED_DAYS.every((day) => offsetMinutes(one, day) === offsetMinutes(other, day));
}

/** How many minutes the clock of a zone is off the sun at a longitude, at the least of the year. */
export function minutesOffSun(timezone: string, longitude: number): number {
  const solar = (longitude / 360) * MINUTES_PER_DAY;
  const differences = PROBED_DAYS.map((day) => {
    const difference = Math.abs(offsetMinutes(timezone, day) - solar) % MINUTES_PER_DAY;
    return Math.min(difference, MINUTES_PER_DAY - difference);
  });
  return Math.min(...differences);
}
