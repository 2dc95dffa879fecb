import type { RealmConfig } from './realm-config.ts';
import {
  lendChromeApp,
  patchGetters,
  patchGpu,
  patchRealm,
  patchShare,
  patchToString,
  patchVoices,
} from './realm-patches.ts';
import { joinRegistry, makeAsker, makeCleaner, makePrototypeTrap, makeToolkit, methodOf } from './realm-toolkit.ts';

/** The functions that make up the script. Their names are how they find each other. */
const PARTS: readonly ((...args: never[]) => unknown)[] = [
  methodOf,
  makeAsker,
  joinRegistry,
  makeCleaner,
  makePrototypeTrap,
  makeToolkit,
  patchGpu,
  patchGetters,
  patchVoices,
  patchShare,
  lendChromeApp,
  patchToString,
  patchRealm,
];

/** Whether anything is left for a script to do. */
function hasWork({ gpu, platform, voices, colorDepth, sharing }: RealmConfig): boolean {
  return sharing || [gpu, platform, voices, colorDepth].some((each) => each !== undefined);
}

/** The script of an identity, or undefined when nothing is left for one to do. Pure. */
export function realmScript(config: RealmConfig): string | undefined {
  if (!hasWork(config)) return undefined;
  return [
    '(() => {',
    "'use strict';",
    ...PARTS.map(String),
    `const config = ${JSON.stringify(config)};`,
    'const shared = joinRegistry(config);',
    'if (shared !== undefined) patchRealm(makeToolkit(shared, config), config);',
    '})();',
    `//# sourceURL=${config.scriptName}`,
  ].join('\n');
}
