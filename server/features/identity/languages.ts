/** Languages Chromium speaks: it has texts of its own in these. */
const SPOKEN = new Set(
  (
    'af am ar bg bn ca cs da de el en es et fa fi fil fr gu he hi hr hu id it ja kn ko lt lv ml mr ms nb nl no pl pt ro ru sk sl sr ' +
    'sv sw ta te th tr uk ur vi zh'
  ).split(' '),
);

/** Where the list Chrome comes with is not the locale, its language, and English. */
const LISTS: Readonly<Record<string, readonly string[]>> = {
  'en-US': ['en-US', 'en'],
  'en-GB': ['en-GB', 'en-US', 'en'],
  'es-ES': ['es-ES', 'es'],
  'es-419': ['es-419', 'es'],
  'vi-VN': ['vi-VN', 'vi', 'fr-FR', 'fr', 'en-US', 'en'],
  'zh-CN': ['zh-CN', 'zh'],
};

/** The language of a tag: `de` of `de-AT`. */
export function languageOf(tag: string): string {
  return tag.split('-')[0]?.toLowerCase() ?? '';
}

/** A language tag in its usual case, `de-DE` for `DE-de`; undefined where it is none. */
export function findLanguageTag(tag: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    // It is none.
    return undefined;
  }
}

/** Whether Chromium has its own texts in the language of a tag. */
export function isSpoken(tag: string): boolean {
  return SPOKEN.has(languageOf(tag));
}

/** `navigator.languages` of a Chrome that was installed in a locale and whose settings nobody has touched. */
export function languagesOf(locale: string): string[] {
  const language = languageOf(locale);
  const usual = language === 'en' ? [locale, 'en'] : [locale, language, 'en-US', 'en'];
  return [...new Set(LISTS[locale] ?? usual)];
}
