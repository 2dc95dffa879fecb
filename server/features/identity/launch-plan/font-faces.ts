/**
 * The faces that pass for other systems' fonts, by the files of Debian's font packages. Latin, Greek and Cyrillic come first; what
 * follows `scripts` adds characters and stays behind when a family is asked for by name.
 */
interface FontFace {
  readonly regular: string;
  readonly bold?: string;
  readonly italic?: string;
  readonly boldItalic?: string;
}

const family = (name: string): FontFace => ({
  regular: `${name}-Regular.ttf`,
  bold: `${name}-Bold.ttf`,
  italic: `${name}-Italic.ttf`,
  boldItalic: `${name}-BoldItalic.ttf`,
});

export type FaceName = 'sans' | 'serif' | 'mono' | 'humanist' | 'slab' | 'geometric' | 'narrow' | 'emoji';

export const FONT_FACES: Readonly<Record<FaceName, FontFace>> = {
  sans: family('Arimo'),
  serif: family('Tinos'),
  mono: family('Cousine'),
  humanist: family('Carlito'),
  slab: family('Caladea'),
  geometric: family('Roboto'),
  narrow: family('RobotoCondensed'),
  emoji: { regular: 'NotoColorEmoji.ttf' },
};

const noto = (...scripts: readonly string[]): readonly string[] =>
  scripts.map((script) => `NotoSans${script}-Regular.ttf`);

/** Files that give a family the characters of other scripts. */
export const SCRIPT_FILES = {
  arabic: noto('Arabic'),
  hebrew: noto('Hebrew'),
  thai: noto('Thai', 'Lao', 'Khmer'),
  indic: noto('Devanagari', 'Bengali', 'Gujarati', 'Gurmukhi', 'Kannada', 'Malayalam', 'Sinhala', 'Tamil', 'Telugu'),
  caucasian: noto('Armenian', 'Georgian'),
  ethiopic: noto('Ethiopic'),
  myanmar: noto('Myanmar'),
  symbols: noto('Symbols', 'Symbols2', 'Math'),
  cjk: ['DroidSansFallbackFull.ttf'],
  emoji: ['NotoColorEmoji.ttf'],
} as const satisfies Record<string, readonly string[]>;

export type ScriptName = keyof typeof SCRIPT_FILES;

/** What stands for one family: a face, and the scripts it has beside it. */
export interface FontSubstitute {
  readonly face: FaceName;
  readonly scripts: readonly ScriptName[];
}

/** All files the sets are made of. */
export function listFontFiles(): readonly string[] {
  const faces: readonly FontFace[] = Object.values(FONT_FACES);
  return [
    ...new Set([...faces.flatMap((face) => Object.values(face) as string[]), ...Object.values(SCRIPT_FILES).flat()]),
  ];
}
