import type { OsFamily } from '@guise/contract';

import { listPossibleFonts } from '../font-families.ts';
import type { FaceName, FontSubstitute, ScriptName } from './font-faces.ts';

type FamiliesByFace = Readonly<Partial<Record<FaceName, readonly string[]>>>;
type FamiliesByScript = Readonly<Partial<Record<ScriptName, readonly string[]>>>;

interface FamilyTable {
  readonly faces: FamiliesByFace;
  /** Families that also have the characters of a script. */
  readonly scripts: FamiliesByScript;
}

const names = (list: string): readonly string[] => list.split(',').map((name) => name.trim());

const WINDOWS: FamilyTable = {
  faces: {
    sans: names(
      'Arial, Arial Black, Ebrima, Gadugi, HoloLens MDL2 Assets, Javanese Text, Leelawadee UI, Leelawadee UI Semilight, Lucida Sans Unicode, Marlett, Microsoft Himalaya, Microsoft New Tai Lue, Microsoft PhagsPa, Microsoft Sans Serif, Microsoft Tai Le, Microsoft Yi Baiti, Myanmar Text, Nirmala UI, Nirmala UI Semilight, Segoe Fluent Icons, Segoe MDL2 Assets, Segoe UI Historic, Segoe UI Symbol, Symbol, Tahoma, Webdings, Wingdings, Malgun Gothic, Malgun Gothic Semilight, Microsoft JhengHei, Microsoft JhengHei Light, Microsoft JhengHei UI, Microsoft JhengHei UI Light, Microsoft YaHei, Microsoft YaHei Light, Microsoft YaHei UI, Microsoft YaHei UI Light, MS PGothic, MS UI Gothic, Yu Gothic, Yu Gothic Light, Yu Gothic Medium, Yu Gothic UI, Yu Gothic UI Light, Yu Gothic UI Semibold, Yu Gothic UI Semilight, Meiryo, Meiryo UI',
    ),
    serif: names(
      'Georgia, Georgia Pro, MingLiU-ExtB, MingLiU_HKSCS-ExtB, Mongolian Baiti, MS PMincho, Palatino Linotype, PMingLiU-ExtB, Sitka, Sitka Banner, Sitka Display, Sitka Heading, Sitka Small, Sitka Subheading, Sitka Text, SimSun, NSimSun, SimSun-ExtB, SimSun-ExtG, Sylfaen, Times New Roman',
    ),
    mono: names('Cascadia Code, Cascadia Mono, Consolas, Courier New, Lucida Console, MS Gothic'),
    humanist: names(
      'Calibri, Calibri Light, Candara, Candara Light, Comic Sans MS, Corbel, Corbel Light, Ink Free, MV Boli, Segoe Print, Segoe Script, Segoe UI, Segoe UI Black, Segoe UI Emoji, Segoe UI Light, Segoe UI Semibold, Segoe UI Semilight, Segoe UI Variable, Segoe UI Variable Display, Segoe UI Variable Small, Segoe UI Variable Text, Trebuchet MS',
    ),
    slab: names('Cambria, Cambria Math, Constantia, Gabriola, Sans Serif Collection'),
    geometric: names('Verdana, Aptos'),
    narrow: names('Bahnschrift, Franklin Gothic Medium, Impact'),
  },
  scripts: {
    cjk: names(
      'Malgun Gothic, Malgun Gothic Semilight, Microsoft JhengHei, Microsoft JhengHei Light, Microsoft JhengHei UI, Microsoft JhengHei UI Light, Microsoft YaHei, Microsoft YaHei Light, Microsoft YaHei UI, Microsoft YaHei UI Light, MS PGothic, MS UI Gothic, Yu Gothic, Yu Gothic Light, Yu Gothic Medium, Yu Gothic UI, Yu Gothic UI Light, Yu Gothic UI Semibold, Yu Gothic UI Semilight, Meiryo, Meiryo UI',
    ),
    arabic: ['Microsoft Sans Serif'],
    hebrew: ['Microsoft Sans Serif'],
    thai: ['Leelawadee UI'],
    indic: ['Nirmala UI'],
    caucasian: ['Sylfaen'],
    ethiopic: ['Ebrima'],
    myanmar: ['Myanmar Text'],
    symbols: ['Segoe UI Symbol'],
    emoji: ['Segoe UI Emoji'],
  },
};

const MACOS: FamilyTable = {
  faces: {
    sans: names(
      'Apple Braille, Arial, Arial Black, Arial Hebrew, Arial Unicode MS, Al Bayan, Bangla MN, Bangla Sangam MN, Beirut, Corsiva Hebrew, Devanagari Sangam MN, Euphemia UCAS, Gurmukhi MN, ITF Devanagari, Kailasa, Khmer MN, Lao MN, Malayalam MN, Mishafi, Mshtakan, Plantagenet Cherokee, Sukhumvit Set, Al Nile, Apple Symbols, Ayuthaya, Baghdad, Damascus, Devanagari MT, Galvji, Geeza Pro, Geneva, Gujarati MT, Gurmukhi MT, Helvetica, Helvetica Neue, InaiMathi, InaiMathi Bold, Kannada MN, Kannada Sangam MN, Kefa, Kohinoor Bangla, Kohinoor Devanagari, Kohinoor Devanagari Medium, Kohinoor Gujarati, Kohinoor Telugu, Krungthep, Lucida Grande, Microsoft Sans Serif, Mukta Mahee, Mukta Mahee Regular, Myanmar MN, Myanmar Sangam MN, Noto Nastaliq Urdu, Oriya MN, Oriya Sangam MN, PT Sans, Sathu, Silom, Sinhala MN, Sinhala Sangam MN, Symbol, Tahoma, Tamil MN, Tamil Sangam MN, Telugu MN, Telugu Sangam MN, Thonburi, Webdings, Wingdings, Wingdings 2, Wingdings 3, Zapf Dingbats, .SF NS, System Font, SF Pro Text, SF Pro Display, Apple SD Gothic Neo, AppleGothic, AppleMyungjo, Heiti SC, Heiti TC, Hiragino Kaku Gothic ProN, Hiragino Maru Gothic ProN, Hiragino Sans, Hiragino Sans GB, Kaiti SC, Kaiti TC, PingFang HK, PingFang MO, PingFang SC, PingFang TC, STHeiti',
    ),
    serif: names(
      'Athelas, Baskerville, Big Caslon, Bodoni 72, Bodoni 72 Oldstyle, Bodoni 72 Smallcaps, Bodoni Ornaments, Charter, Cochin, Didot, Georgia, Hoefler Text, Iowan Old Style, Marion, Palatino, PT Serif, PT Serif Caption, Songti SC, Songti TC, STIX Two Math, STIX Two Text, STSong, Superclarendon, Times, Times New Roman, Hiragino Mincho ProN, New York',
    ),
    mono: names('Andale Mono, Courier, Courier New, Menlo, Monaco, PT Mono, SF Mono, Osaka-Mono'),
    humanist: names(
      'Apple Chancery, Bradley Hand, Brush Script MT, Chalkboard, Chalkboard SE, Chalkduster, Comic Sans MS, Gill Sans, Herculanum, Marker Felt, Noteworthy, Optima, Party LET, Papyrus, Savoye LET, Seravek, SignPainter, Skia, Snell Roundhand, Trattatello, Trebuchet MS, Zapfino',
    ),
    slab: names('American Typewriter, Copperplate, Luminari, Rockwell, Phosphate'),
    geometric: names(
      'Arial Rounded MT Bold, Avenir, Avenir Next, Chakra Petch, Futura, Verdana, PT Sans Caption, Farah, Rubik, Noto Sans Javanese',
    ),
    narrow: names('Avenir Next Condensed, DIN Alternate, DIN Condensed, Impact, PT Sans Narrow, Arial Narrow'),
    emoji: ['Apple Color Emoji'],
  },
  scripts: {
    cjk: names(
      'Apple SD Gothic Neo, AppleGothic, AppleMyungjo, Heiti SC, Heiti TC, Hiragino Kaku Gothic ProN, Hiragino Maru Gothic ProN, Hiragino Sans, Hiragino Sans GB, Kaiti SC, Kaiti TC, PingFang HK, PingFang MO, PingFang SC, PingFang TC, STHeiti',
    ),
    arabic: ['Geeza Pro'],
    hebrew: ['Arial Hebrew'],
    thai: ['Thonburi'],
    indic: ['Kohinoor Devanagari'],
    caucasian: ['Mukta Mahee', 'Mukta Mahee Regular'],
    ethiopic: ['Kefa'],
    myanmar: ['Myanmar Sangam MN'],
    symbols: ['Apple Symbols'],
  },
};

const LINUX: FamilyTable = {
  faces: {
    sans: names(
      'Arimo, FreeSans, Liberation Sans, Nimbus Sans, Noto Sans Symbols, Noto Sans Symbols2, OpenSymbol, Arial, Arial Black, Helvetica, Webdings, Droid Sans Fallback, Noto Sans CJK HK, Noto Sans CJK JP, Noto Sans CJK KR, Noto Sans CJK SC, Noto Sans CJK TC, WenQuanYi Micro Hei, WenQuanYi Zen Hei',
    ),
    serif: names(
      'Bitstream Charter, C059, FreeSerif, Georgia, Liberation Serif, Nimbus Roman, Noto Serif, Noto Serif CJK JP, Noto Serif CJK SC, P052, Tinos, Times New Roman, Times',
    ),
    mono: names(
      'Andale Mono, Courier 10 Pitch, Cousine, DejaVu Sans Mono, Fira Code, FreeMono, Hack, JetBrains Mono, Liberation Mono, Nimbus Mono PS, Noto Sans Mono, Ubuntu Mono, Ubuntu Sans Mono, Noto Mono, Courier New, Courier',
    ),
    humanist: names('Cantarell, Carlito, Comic Sans MS, Lato, Trebuchet MS, Z003, URW Gothic'),
    slab: names('Caladea, DejaVu Serif, URW Bookman, D050000L, Standard Symbols PS'),
    geometric: names(
      'Adwaita Sans, DejaVu Sans, Noto Sans, Open Sans, Roboto, Ubuntu, Ubuntu Sans, Verdana, DejaVu Math TeX Gyre',
    ),
    narrow: names(
      'DejaVu Sans Condensed, Impact, Liberation Sans Narrow, Nimbus Sans Narrow, Roboto Condensed, Ubuntu Condensed',
    ),
    emoji: ['Noto Color Emoji'],
  },
  scripts: {
    cjk: names(
      'Droid Sans Fallback, Noto Sans CJK HK, Noto Sans CJK JP, Noto Sans CJK KR, Noto Sans CJK SC, Noto Sans CJK TC, Noto Serif CJK SC, WenQuanYi Micro Hei, WenQuanYi Zen Hei',
    ),
    arabic: ['DejaVu Sans'],
    hebrew: ['DejaVu Sans'],
    thai: ['FreeSans', 'Noto Sans'],
    indic: ['FreeSans', 'Noto Sans'],
    caucasian: ['DejaVu Sans'],
    symbols: ['DejaVu Sans', 'Noto Sans Symbols', 'Noto Sans Symbols2'],
  },
};

const ANDROID: FamilyTable = {
  faces: {
    sans: names(
      'Noto Sans Arabic UI, Noto Naskh Arabic UI, Noto Sans Armenian, Noto Sans Bengali UI, Noto Sans Devanagari UI, Noto Sans Ethiopic, Noto Sans Georgian, Noto Sans Hebrew, Noto Sans Myanmar, Noto Sans Symbols, Noto Sans Tamil UI, Noto Sans Thai, Noto Sans Thai UI, SamsungOne, SEC Roboto, Noto Sans CJK JP, Noto Sans CJK KR, Noto Sans CJK SC, Noto Sans CJK TC, Noto Serif CJK JP',
    ),
    serif: names('Noto Serif, Droid Serif, Source Serif Pro'),
    mono: names('Cutive Mono, Droid Sans Mono, Roboto Mono'),
    humanist: names('Carrois Gothic SC, Coming Soon, Dancing Script'),
    slab: [],
    geometric: names('Roboto, Roboto Flex, Roboto-Regular, Roboto Static, Google Sans, Droid Sans, Samsung Sans'),
    narrow: names('Roboto Condensed'),
    emoji: names('Noto Color Emoji, SamsungColorEmoji'),
  },
  scripts: {
    cjk: names('Noto Sans CJK JP, Noto Sans CJK KR, Noto Sans CJK SC, Noto Sans CJK TC, Noto Serif CJK JP, Roboto'),
    arabic: ['Noto Naskh Arabic UI', 'Noto Sans Arabic UI', 'Roboto'],
    hebrew: ['Noto Sans Hebrew', 'Roboto'],
    thai: ['Noto Sans Thai', 'Noto Sans Thai UI', 'Roboto'],
    indic: ['Noto Sans Devanagari UI', 'Roboto'],
    caucasian: ['Noto Sans Armenian', 'Roboto'],
    ethiopic: ['Noto Sans Ethiopic', 'Roboto'],
    myanmar: ['Noto Sans Myanmar', 'Roboto'],
    symbols: ['Noto Sans Symbols', 'Roboto'],
  },
};

/** Which face a family is like that no table knows: told by what such families are called. First match wins. */
const FACES_BY_NAME: readonly (readonly [RegExp, FaceName])[] = [
  [/emoji/i, 'emoji'],
  [/mono|code|consol|courier|typewriter|terminal|fixed/i, 'mono'],
  [/condensed|narrow|compressed/i, 'narrow'],
  [/sans/i, 'sans'],
  [/slab|rockwell|clarendon/i, 'slab'],
  [/serif|times|roman|garamond|bodoni|book|caslon|century|mincho|song|ming|palatino|antiqua/i, 'serif'],
  [/script|hand|brush|comic|casual|chalk/i, 'humanist'],
];

/** The face of a family by its name alone. */
function guessFace(name: string): FaceName {
  return FACES_BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? 'sans';
}

/** What stands for the families of a system: those of its table, and all others that generated devices of it can have. */
function toSubstitutes(os: OsFamily, { faces, scripts }: FamilyTable): ReadonlyMap<string, FontSubstitute> {
  const scriptsOf = (name: string): ScriptName[] =>
    Object.entries(scripts).flatMap(([script, families]) => (families.includes(name) ? [script as ScriptName] : []));
  const listed = Object.entries(faces).flatMap(([face, families]) =>
    families.map((name): [string, FontSubstitute] => [name, { face: face as FaceName, scripts: scriptsOf(name) }]),
  );
  const others = listPossibleFonts(os).map((name): [string, FontSubstitute] => [
    name,
    { face: guessFace(name), scripts: [] },
  ]);
  return new Map([...others, ...listed]);
}

/** The families of each system that a set has, and what stands for them. */
export const FONT_FAMILIES: Readonly<Record<OsFamily, ReadonlyMap<string, FontSubstitute>>> = {
  windows: toSubstitutes('windows', WINDOWS),
  macos: toSubstitutes('macos', MACOS),
  linux: toSubstitutes('linux', LINUX),
  android: toSubstitutes('android', ANDROID),
};

/** What the generic families of CSS are on each system; the first of them that an identity has is taken. */
export const GENERIC_FAMILIES: Readonly<Record<OsFamily, Readonly<Record<string, readonly string[]>>>> = {
  windows: {
    'sans-serif': ['Arial'],
    serif: ['Times New Roman'],
    monospace: ['Consolas', 'Courier New'],
    'system-ui': ['Segoe UI', 'Arial'],
    cursive: ['Comic Sans MS'],
    fantasy: ['Impact'],
    emoji: ['Segoe UI Emoji'],
  },
  macos: {
    'sans-serif': ['Helvetica', 'Arial'],
    serif: ['Times', 'Times New Roman'],
    monospace: ['Menlo', 'Courier'],
    'system-ui': ['Helvetica Neue', 'Helvetica'],
    cursive: ['Apple Chancery'],
    fantasy: ['Papyrus'],
    emoji: ['Apple Color Emoji'],
  },
  linux: {
    'sans-serif': ['DejaVu Sans', 'Noto Sans', 'Liberation Sans'],
    serif: ['DejaVu Serif', 'Noto Serif', 'Liberation Serif'],
    monospace: ['DejaVu Sans Mono', 'Noto Sans Mono', 'Liberation Mono'],
    'system-ui': ['Ubuntu', 'Cantarell', 'Noto Sans', 'DejaVu Sans'],
    emoji: ['Noto Color Emoji'],
  },
  android: {
    'sans-serif': ['Roboto'],
    serif: ['Noto Serif'],
    monospace: ['Droid Sans Mono'],
    'system-ui': ['Roboto'],
    cursive: ['Dancing Script'],
    emoji: ['Noto Color Emoji', 'SamsungColorEmoji'],
  },
};

/** The face that comes nearest to a family, known or not. */
export function faceOf(os: OsFamily, name: string): FaceName {
  return FONT_FAMILIES[os].get(name)?.face ?? guessFace(name);
}
