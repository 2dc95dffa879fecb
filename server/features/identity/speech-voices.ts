import type { Fingerprint, OsFamily, SpeechVoice } from '@guise/contract';

import { readData } from './device-population.ts';
import { languageOf } from './languages.ts';

type VoiceRow = readonly [name: string, lang: string];
type VoiceTable = Readonly<Record<'google' | 'windows' | 'macos' | 'android', readonly VoiceRow[]>>;

const tables: VoiceTable[] = [];

function voiceTable(): VoiceTable {
  const [known] = tables;
  if (known !== undefined) return known;
  const table = readData('voices') as VoiceTable;
  tables.push(table);
  return table;
}

/** The voices of a locale: those of its region, or else of the first region that has any. */
function voicesFor(rows: readonly VoiceRow[], locale: string): readonly VoiceRow[] {
  const exact = rows.filter(([, lang]) => lang === locale);
  if (exact.length > 0) return exact;
  const region = rows.find(([, lang]) => languageOf(lang) === languageOf(locale))?.[1];
  return rows.filter(([, lang]) => lang === region);
}

/** The voices of the system, the one it speaks with first. */
function localVoices(os: OsFamily, locale: string): readonly VoiceRow[] {
  switch (os) {
    case 'windows': {
      // Windows brings voices of the language it was installed in, and English.
      const rows = voiceTable().windows;
      return [...new Set([...voicesFor(rows, locale), ...voicesFor(rows, 'en-US')])];
    }
    case 'macos':
    case 'android': {
      const rows = voiceTable()[os];
      const [first] = [...voicesFor(rows, locale), ...voicesFor(rows, 'en-US')];
      return first === undefined ? rows : [first, ...rows.filter((row) => row !== first)];
    }
    case 'linux':
      // Chromium has none there unless a speech service is set up.
      return [];
  }
}

/** Whether a system has a voice of its own for the language of a locale. */
export function hasVoiceFor(os: OsFamily, locale: string): boolean {
  return localVoices(os, locale).some(([, lang]) => languageOf(lang) === languageOf(locale));
}

/** What `speechSynthesis.getVoices()` gives: the voices of the system and, in Google Chrome on Windows and macOS, Google's. */
export function voicesOf({ os, browser, locale }: Pick<Fingerprint, 'os' | 'browser' | 'locale'>): SpeechVoice[] {
  const local = localVoices(os, locale).map(([name, lang], index) => ({
    name,
    lang,
    isDefault: index === 0,
    isLocal: true,
  }));
  const isGoogles = browser.brand === 'Google Chrome' && (os === 'windows' || os === 'macos');
  if (!isGoogles) return local;
  const remote = voiceTable().google.map(([name, lang]) => ({ name, lang, isDefault: false, isLocal: false }));
  return [...local, ...remote];
}
