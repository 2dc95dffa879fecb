import type { Fingerprint } from '@guise/contract';

import { localeShares } from '../countries.ts';
import { findLanguageTag, isSpoken, languageOf, languagesOf } from '../languages.ts';
import { inLocale } from '../override-fingerprint.ts';
import { findTimezone, isSameClock, listTimezones, minutesOffSun, timezoneShares } from '../time-zones.ts';
import { type CoherenceRule, demand, type Finding, type ProxyFacts } from './coherence-rule.ts';

/** Clocks are set up to three hours off the sun, in the west of China, and a bit more beside borders. */
const MOST_MINUTES_OFF_SUN = 210;

function hasDoubles(values: readonly string[]): boolean {
  return new Set(values).size < values.length;
}

/** S9: the first language is the locale, and Chromium speaks it. */
export const languagesRule: CoherenceRule = {
  id: 'S9',
  name: 'languages',
  why: 'navigator.languages, Accept-Language and the language dates and numbers are written in are one setting.',
  find: ({ locale, languages }) => {
    const odd = languages.filter((tag) => findLanguageTag(tag) !== tag);
    return [
      ...demand(languages[0] === locale, {
        path: '/languages/0',
        message: `is ${languages[0] ?? 'missing'}, while the locale is ${locale}`,
        repair: `put ${locale} first`,
      }),
      ...demand(isSpoken(locale), {
        path: '/locale',
        message: `is ${locale}, in which Chromium has no texts`,
        repair: 'take a locale of the time zone',
      }),
      ...demand(odd.length === 0 && !hasDoubles(languages), {
        path: '/languages',
        message: odd.length > 0 ? `${odd.join(', ')} is not how Chrome writes a language` : 'names a language twice',
        repair: 'take the list Chrome comes with in this locale',
      }),
    ];
  },
  mend: (fingerprint) => {
    const tag = findLanguageTag(fingerprint.locale);
    if (tag === undefined || !isSpoken(tag)) return inLocale(fingerprint, 'en-US');
    return { ...fingerprint, locale: tag, languages: languagesOf(tag) };
  },
};

function placeFindings({ timezone, geolocation }: Fingerprint): Finding[] {
  if (findTimezone(timezone) === undefined) {
    const message = `${timezone} is not the IANA name of a time zone`;
    return [{ path: '/timezone', message, repair: 'take a time zone of the locale' }];
  }
  const isThere =
    geolocation.mode !== 'allow' || minutesOffSun(timezone, geolocation.longitude) <= MOST_MINUTES_OFF_SUN;
  return demand(isThere, {
    path: '/geolocation',
    message: `is a place where no clock shows the time of ${timezone}`,
    repair: 'let pages ask for the place',
  });
}

function isZoneOf(timezone: string, { country, timezone: exit }: ProxyFacts): boolean {
  const zone = findTimezone(timezone);
  if (zone === undefined) return true;
  if (exit !== undefined && findTimezone(exit) !== undefined) return isSameClock(zone, exit);
  if (country === undefined) return true;
  const zones = listTimezones(country);
  return zones.length === 0 || zones.includes(zone);
}

/** Languages people of a country set their browsers to. */
function isSpokenIn(locale: string, country: string): boolean {
  if (listTimezones(country).length === 0) return true;
  return localeShares(country).some(({ value }) => languageOf(value) === languageOf(locale));
}

/** What a site could notice of a time zone and a locale at the exit of a proxy. Pure. */
export function exitFindings(
  { timezone, locale }: Pick<Fingerprint, 'timezone' | 'locale'>,
  proxy: ProxyFacts | undefined,
): Finding[] {
  if (proxy === undefined) return [];
  const { country } = proxy;
  const exit = proxy.timezone ?? country ?? '';
  return [
    ...demand(isZoneOf(timezone, proxy), {
      path: '/timezone',
      message: `is ${timezone}, while the proxy leaves in ${exit}`,
      repair: `take the time zone of ${exit}`,
    }),
    ...demand(country === undefined || isSpokenIn(locale, country), {
      path: '/locale',
      message: `is ${locale}, which few browsers in ${country ?? ''} are set to`,
      repair: `take a locale of ${country ?? ''}`,
    }),
  ];
}

/** The time zone of the exit, or that most people of its country have. */
function exitTimezone({ country, timezone }: ProxyFacts): string | undefined {
  const exit = timezone === undefined ? undefined : findTimezone(timezone);
  if (exit !== undefined || country === undefined) return exit;
  return [...timezoneShares(country)].sort((one, other) => other.weight - one.weight)[0]?.value;
}

/** The time zone most people of a locale have. */
function usualTimezone(locale: string): string {
  const { region = 'US' } = new Intl.Locale(findLanguageTag(locale) ?? 'en-US').maximize();
  return exitTimezone({ country: region }) ?? 'America/New_York';
}

function mendTimezone(fingerprint: Fingerprint, proxy: ProxyFacts | undefined): string {
  const { timezone, locale } = fingerprint;
  const known = findTimezone(timezone);
  if (known !== undefined && (proxy === undefined || isZoneOf(known, proxy))) return timezone;
  return (proxy && exitTimezone(proxy)) ?? usualTimezone(locale);
}

function usualLocale(country: string): string {
  return [...localeShares(country)].sort((one, other) => other.weight - one.weight)[0]?.value ?? 'en-US';
}

/** S10: time zone and place agree, and both they and the language are of where the proxy leaves. */
export const regionRule: CoherenceRule = {
  id: 'S10',
  name: 'region',
  why: 'The address a request comes from is looked up, and its country compared with clock and language.',
  find: (fingerprint, { proxy }) => [...placeFindings(fingerprint), ...exitFindings(fingerprint, proxy)],
  mend: (fingerprint, { proxy }) => {
    const country = proxy?.country;
    const isForeign = country !== undefined && !isSpokenIn(fingerprint.locale, country);
    const spoken = isForeign ? inLocale(fingerprint, usualLocale(country)) : fingerprint;
    const placed = { ...spoken, timezone: mendTimezone(spoken, proxy) };
    return placeFindings(placed).length === 0 ? placed : { ...placed, geolocation: { mode: 'prompt' } };
  },
};
