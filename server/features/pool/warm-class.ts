import { type BrowserSpec, fitsUsualScreen } from '../../browser/index.ts';

/**
 * Kinds of warm browsers: told apart by what cannot be changed on a running browser. The first word says whether it has
 * a window; `none`, as the stealth level, that automation is not hidden.
 */
export const WARM_CLASSES = ['headless', 'headful', 'headless-none', 'headful-none'] as const;
export type WarmClass = (typeof WARM_CLASSES)[number];

/** The class of a browser. */
export function warmClassOf({ headless, hideAutomation }: Pick<BrowserSpec, 'headless' | 'hideAutomation'>): WarmClass {
  return `${headless ? 'headless' : 'headful'}${hideAutomation ? '' : '-none'}`;
}

/** Whether the browsers of a class stand on a virtual display. */
export function hasWindow(warmClass: WarmClass): boolean {
  return warmClass.startsWith('headful');
}

/** What a warm browser of a class is launched as: `usual` but for what makes the class. */
export function warmSpec(warmClass: WarmClass, usual: BrowserSpec): BrowserSpec {
  return { ...usual, headless: !hasWindow(warmClass), hideAutomation: !warmClass.endsWith('-none') };
}

/** Whether a running browser born as `warm` can become what `wanted` asks for without a trace of having been another. */
export function canBecome(warm: BrowserSpec, wanted: BrowserSpec): boolean {
  return (
    warm.headless === wanted.headless &&
    warm.hideAutomation === wanted.hideAutomation &&
    (wanted.viewport.deviceScaleFactor ?? 1) === (warm.viewport.deviceScaleFactor ?? 1) &&
    fitsUsualScreen(wanted.viewport) &&
    [wanted.timezone, wanted.locale, wanted.geolocation, wanted.userAgent].every((each) => each === undefined) &&
    wanted.launchArgs.length + wanted.extensionDirs.length === 0
  );
}
