import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import { isWindowRealm, type Realm } from './realms.ts';

const PAGES = path.join(import.meta.dirname, 'page');

const HINTS = [
  ...['Arch', 'Bitness', 'Form-Factors', 'Full-Version', 'Full-Version-List', 'Model', 'Platform-Version', 'WoW64'].map(
    (name) => `Sec-CH-UA-${name}`,
  ),
  ...['Sec-CH-DPR', 'Sec-CH-Device-Memory', 'Sec-CH-Viewport-Width', 'Sec-CH-Prefers-Color-Scheme'],
  ...['DPR', 'Device-Memory'],
];

/** Headers of a page: it asks for every client hint, for itself and for the frames of other sites in it. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'accept-ch': HINTS.join(', '),
  'permissions-policy': HINTS.map((name) => `ch-${name.replace(/^Sec-CH-/, '').toLowerCase()}=*`).join(', '),
  'cache-control': 'no-store',
};

/** Headers of a script, which realms without an origin load too. */
export const SCRIPT_HEADERS = {
  'content-type': 'text/javascript; charset=utf-8',
  'access-control-allow-origin': '*',
  'service-worker-allowed': '/',
  'cache-control': 'no-store',
};

const require = createRequire(import.meta.url);
const DETECTORS: Readonly<Record<string, string>> = {
  botd: require.resolve('@fingerprintjs/botd/dist/botd.esm.js'),
  fingerprintjs: require.resolve('@fingerprintjs/fingerprintjs/dist/fp.esm.js'),
  fpscanner: require.resolve('fpscanner/dist/fpScanner.es.js'),
};

/** A script of the probe's own, by its name. */
export function pageScript(name: string): string {
  return readFileSync(path.join(PAGES, `${name}.js`), 'utf8');
}

/** A detector's own build, as its package has it; undefined for any other name. */
export function detectorScript(name: string): string | undefined {
  const file = DETECTORS[name];
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}

/** What page/realm.js is told. */
export interface RealmPlan {
  readonly run: string;
  readonly base: string;
  readonly sites: readonly string[];
  readonly families: readonly string[];
  readonly stunUrl: string;
}

/** The script of one realm. */
export function realmScript(realm: Realm, plan: RealmPlan): string {
  if (realm.how === 'worklet') return pageScript('worklet');
  const files = [
    ...(isWindowRealm(realm) ? ['window-values'] : []),
    ...(realm.how === 'page' ? ['requests'] : []),
    ...['values', 'tamper', 'traces', 'realm'],
  ];
  const argument = JSON.stringify({ ...plan, realm: realm.realm, children: realm.children });
  return `${files.map(pageScript).join('\n')}\nstartRealm(${argument});\n`;
}

/** A page with one script. */
export function pageWith(script: string, title = 'Probe'): string {
  return [
    '<!doctype html><html lang=en><meta charset=utf-8>',
    '<meta name=viewport content="width=device-width, initial-scale=1">',
    `<title>${title}</title><link rel=icon href="data:,"><body><h1>${title}</h1>${script}</body></html>`,
  ].join('');
}
