import path from 'node:path';

import type { OsFamily } from '@guise/contract';

import { type FaceName, FONT_FACES, SCRIPT_FILES } from './font-faces.ts';
import { FONT_FAMILIES, faceOf, GENERIC_FAMILIES } from './font-families.ts';

/** Text for an element of an XML file. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function document(body: readonly string[]): string {
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE fontconfig SYSTEM "fonts.dtd">',
    '<fontconfig>',
    ...body,
    '</fontconfig>',
    '',
  ].join('\n');
}

const string = (text: string): string => `<string>${escapeXml(text)}</string>`;
const assign = (name: string, value: string): string => `<edit name="${name}" mode="assign">${value}</edit>`;

/** How the files of a family begin in a set's folder; told apart from a longer name's by what follows. */
function filePrefix(family: string): string {
  return `${family.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}--`;
}

const STYLES = { regular: 'Regular', bold: 'Bold', italic: 'Italic', boldItalic: 'Bold Italic' } as const;

/** One link in a set's folder. */
interface FontLink {
  readonly name: string;
  /** The name of a font file, wherever it is. */
  readonly file: string;
}

/** The links a set's folder is made of. */
export function listFontLinks(os: OsFamily): readonly FontLink[] {
  return [...FONT_FAMILIES[os]].flatMap(([family, { face, scripts }]) => [
    ...(Object.entries(FONT_FACES[face]) as [string, string][]).map(([style, file]) => ({
      name: `${filePrefix(family)}${style}.ttf`,
      file,
    })),
    ...scripts
      .flatMap((script) => SCRIPT_FILES[script])
      .map((file) => ({ name: `${filePrefix(family)}script-${file}`, file })),
  ]);
}

/** Gives the files of a family its name, as fontconfig reads them: no file is edited. */
function renameRules(family: string, face: FaceName, hasScripts: boolean): string[] {
  const rule = (style: string, label: string, more = ''): string => {
    const full = label === 'Regular' ? family : `${family} ${label}`;
    const postscript = `${family.replaceAll(' ', '')}${label === 'Regular' ? '' : `-${label.replaceAll(' ', '')}`}`;
    const edits = [assign('family', string(family)), assign('fullname', string(full)), assign('style', string(label))];
    edits.push(assign('postscriptname', string(postscript)), more);
    const test = `<test name="file" compare="contains">${string(`/${filePrefix(family)}${style}`)}</test>`;
    return `<match target="scan">${test}${edits.join('')}</match>`;
  };
  const styles = Object.keys(FONT_FACES[face]) as (keyof typeof STYLES)[];
  return [
    ...styles.map((style) => rule(`${style}.`, STYLES[style])),
    // Lighter than what is asked for by name, which so is the face itself.
    ...(hasScripts ? [rule('script-', 'Light', assign('weight', '<const>light</const>'))] : []),
  ];
}

/** Where the files of a set are, below the folder of all sets. */
export function setPlaces(fontsDir: string, os: OsFamily): { folder: string; config: string; cache: string } {
  return {
    folder: path.join(fontsDir, os),
    config: path.join(fontsDir, `${os}.conf`),
    cache: path.join(fontsDir, 'cache'),
  };
}

/** The configuration all identities of a system share: with it all families of the set are there. */
export function setConfig(fontsDir: string, os: OsFamily): string {
  const { folder, cache } = setPlaces(fontsDir, os);
  return document([
    `<dir>${escapeXml(folder)}</dir>`,
    `<cachedir>${escapeXml(cache)}</cachedir>`,
    ...[...FONT_FAMILIES[os]].flatMap(([family, { face, scripts }]) => renameRules(family, face, scripts.length > 0)),
    `<match target="font">${assign('antialias', '<bool>true</bool>')}${assign('hintstyle', '<const>hintslight</const>')}</match>`,
  ]);
}

function preferRule(asked: string, given: string): string {
  return `<match target="pattern"><test qual="any" name="family">${string(asked)}</test><edit name="family" mode="prepend" binding="strong">${string(given)}</edit></match>`;
}

/** A family of the set that stands for one that is not in it: the nearest that the identity has. */
function nearest(os: OsFamily, name: string, has: readonly string[]): string | undefined {
  const face = faceOf(os, name);
  return has.find((each) => faceOf(os, each) === face) ?? has[0];
}

/** The configuration of one identity: of the set of its system, the families it has. Pure. */
export function identityFontConfig(fontsDir: string, os: OsFamily, fonts: readonly string[]): string {
  const known = FONT_FAMILIES[os];
  const has = fonts.filter((name) => known.has(name));
  const hidden = [...known.keys()].filter((name) => !has.includes(name));
  const unknown = fonts.filter((name) => !known.has(name));
  const reject = hidden.map((name) => `<pattern><patelt name="family">${string(name)}</patelt></pattern>`);
  const generics = Object.entries(GENERIC_FAMILIES[os]).flatMap(([generic, families]) => {
    const family = families.find((each) => has.includes(each)) ?? nearest(os, families[0] ?? generic, has);
    return family === undefined ? [] : [preferRule(generic, family)];
  });
  const aliases = unknown.flatMap((name) => {
    const family = nearest(os, name, has);
    return family === undefined ? [] : [preferRule(name, family)];
  });
  return document([
    `<include>${escapeXml(setPlaces(fontsDir, os).config)}</include>`,
    ...(reject.length === 0 ? [] : [`<selectfont><rejectfont>${reject.join('')}</rejectfont></selectfont>`]),
    ...generics,
    ...aliases,
  ]);
}
