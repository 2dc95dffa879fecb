import type { Fingerprint, OsFamily, SpeechVoice } from '@guise/contract';

import { fontFaults, mendFonts } from '../font-families.ts';
import { languageOf } from '../languages.ts';
import { hasVoiceFor, voicesOf } from '../speech-voices.ts';
import { type CoherenceRule, demand, type Finding } from './coherence-rule.ts';

/** S11: the fonts by which scripts know the system are there, and none of another one. */
export const fontsRule: CoherenceRule = {
  id: 'S11',
  name: 'fonts',
  why: 'Scripts measure text in a few families that come with one system, or one version of it, only.',
  find: ({ os, osVersion, fonts }) => {
    const { missing, foreign } = fontFaults(fonts, { os, osVersion });
    return [
      ...demand(missing.length === 0, {
        path: '/fonts',
        message: `lacks ${missing.join(', ')}, which every ${os} ${osVersion} has`.replace('  ', ' '),
        repair: 'add the fonts of the system',
      }),
      ...demand(foreign.length === 0, {
        path: '/fonts',
        message: `has ${foreign.join(', ')}, which no ${os} ${osVersion} has`.replace(' ,', ','),
        repair: 'leave them out',
      }),
    ];
  },
  mend: (fingerprint) => ({ ...fingerprint, fonts: mendFonts(fingerprint.fonts, fingerprint) }),
};

function isMicrosofts({ name }: SpeechVoice): boolean {
  return name.startsWith('Microsoft ');
}

function isGoogles({ name, isLocal }: SpeechVoice): boolean {
  return name.startsWith('Google ') && !isLocal;
}

/** Whether a system can have a voice, by how it names them. */
function fitsSystem(voice: SpeechVoice, { os, browser }: Fingerprint): boolean {
  if (isGoogles(voice)) return browser.brand === 'Google Chrome' && os !== 'android';
  if (os === 'windows') return isMicrosofts(voice);
  return !isMicrosofts(voice) && !voice.name.startsWith('Google ');
}

/** Systems that come with voices. */
const SPEAKING: readonly OsFamily[] = ['windows', 'macos', 'android'];

function voiceFindings(fingerprint: Fingerprint): Finding[] {
  const { os, voices, locale } = fingerprint;
  const path = '/voices';
  const repair = 'take the voices of the system in this locale';
  const strange = voices.find((voice) => !fitsSystem(voice, fingerprint));
  const defaults = voices.filter(({ isDefault }) => isDefault).length;
  const speaks = voices.some(({ lang, isLocal }) => isLocal && languageOf(lang) === languageOf(locale));
  return [
    ...demand(strange === undefined, { path, message: `has "${strange?.name ?? ''}", no voice of ${os}`, repair }),
    ...demand(voices.length > 0 || !SPEAKING.includes(os), { path, message: `is empty, and ${os} has voices`, repair }),
    ...demand(voices.length === 0 || defaults === 1, {
      path,
      message: `has ${defaults} default voices, not one`,
      repair,
    }),
    ...demand(voices.length === 0 || speaks || !hasVoiceFor(os, locale), {
      path,
      message: `has none for ${locale}, the language of the system`,
      repair,
    }),
  ];
}

/** Fewest of each kind that devices of a system have. */
const LEAST_MEDIA: Readonly<Record<OsFamily, Fingerprint['media']>> = {
  windows: { audioInputs: 0, videoInputs: 0, audioOutputs: 0 },
  linux: { audioInputs: 0, videoInputs: 0, audioOutputs: 0 },
  macos: { audioInputs: 0, videoInputs: 0, audioOutputs: 1 },
  android: { audioInputs: 1, videoInputs: 1, audioOutputs: 1 },
};

const MOST_MEDIA = 8;
const MEDIA_KINDS = ['audioInputs', 'videoInputs', 'audioOutputs'] as const;

function mediaFindings({ os, media }: Fingerprint): Finding[] {
  return MEDIA_KINDS.flatMap((kind) => {
    const least = LEAST_MEDIA[os][kind];
    return demand(media[kind] >= least && media[kind] <= MOST_MEDIA, {
      path: `/media/${kind}`,
      message: `is ${media[kind]}; devices of ${os} have ${least} to ${MOST_MEDIA}`,
      repair: 'take what they have',
    });
  });
}

function mendMedia({ os, media }: Fingerprint): Fingerprint['media'] {
  const within = (kind: (typeof MEDIA_KINDS)[number]): number =>
    Math.min(Math.max(media[kind], LEAST_MEDIA[os][kind]), MOST_MEDIA);
  return {
    audioInputs: within('audioInputs'),
    videoInputs: within('videoInputs'),
    audioOutputs: within('audioOutputs'),
  };
}

/** S14: voices and media devices are those of the system and the locale. */
export const mediaRule: CoherenceRule = {
  id: 'S14',
  name: 'voices-and-media',
  why: 'Voices are named by the maker of the system, and every phone has a microphone, a camera and a speaker.',
  find: (fingerprint) => [...voiceFindings(fingerprint), ...mediaFindings(fingerprint)],
  mend: (fingerprint) => ({
    ...fingerprint,
    voices: voiceFindings(fingerprint).length > 0 ? voicesOf(fingerprint) : fingerprint.voices,
    media: mendMedia(fingerprint),
  }),
};
