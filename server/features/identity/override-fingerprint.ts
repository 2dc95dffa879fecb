import type { Fingerprint, GeolocationAnswer } from '@guise/contract';

import { invalidField } from '../../lib/app-error.ts';
import { findLanguageTag, isSpoken, languagesOf } from './languages.ts';
import { voicesOf } from './speech-voices.ts';
import { findTimezone } from './time-zones.ts';

/** What a session may want otherwise than its profile has it. */
export interface FingerprintOverrides {
  readonly timezone?: string | undefined;
  readonly locale?: string | undefined;
  readonly geolocation?: GeolocationAnswer | undefined;
  readonly colorScheme?: Fingerprint['colorScheme'] | undefined;
}

/** The same fingerprint in another locale: languages and voices follow it. `locale` is a tag in its usual case. */
export function inLocale(fingerprint: Fingerprint, locale: string): Fingerprint {
  return { ...fingerprint, locale, languages: languagesOf(locale), voices: voicesOf({ ...fingerprint, locale }) };
}

function overrideLocale(fingerprint: Fingerprint, locale: string): Fingerprint {
  const tag = findLanguageTag(locale);
  if (tag === undefined) throw invalidField('/locale', 'is no language tag');
  if (!isSpoken(tag)) throw invalidField('/locale', 'Chromium has no texts in this language');
  return tag === fingerprint.locale ? fingerprint : inLocale(fingerprint, tag);
}

function overrideTimezone(fingerprint: Fingerprint, name: string): Fingerprint {
  const timezone = findTimezone(name);
  if (timezone === undefined) throw invalidField('/timezone', 'is not the IANA name of a time zone');
  return { ...fingerprint, timezone };
}

/**
 * The fingerprint a session wears when its options say something else than its profile. What hangs on a value follows it. Pure.
 *
 * @throws {AppError} VALIDATION_FAILED naming the option, at the place it has in a create request
 */
export function overrideFingerprint(fingerprint: Fingerprint, overrides: FingerprintOverrides): Fingerprint {
  const { timezone, locale, geolocation, colorScheme } = overrides;
  const spoken = locale === undefined ? fingerprint : overrideLocale(fingerprint, locale);
  const placed = timezone === undefined ? spoken : overrideTimezone(spoken, timezone);
  return {
    ...placed,
    geolocation: geolocation ?? placed.geolocation,
    colorScheme: colorScheme ?? placed.colorScheme,
  };
}
