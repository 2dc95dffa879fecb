import {
  type CoherenceFault,
  type CreateSession,
  type Fingerprint,
  type FingerprintConstraints,
  type Geolocation,
  SESSION_DEFAULTS,
  type StealthLevel,
  type Viewport,
} from '@guise/contract';

import { type BrowserIdentity, type BrowserSpec, fitsUsualScreen, pageSizeOf, windowFor } from '../../browser/index.ts';
import { AppError, invalidField } from '../../lib/app-error.ts';
import type { BrowserKind, BrowserRequest } from '../pool/index.ts';

/** The most that taskbar or menu bar and dock take from a screen's height, in CSS pixels. */
const LARGEST_INSETS = 120;

/** What a client that asks for nothing is given to be. */
const USUAL_CONSTRAINTS: FingerprintConstraints = { os: 'windows', device: 'desktop' };

/** What sessions need of the identity feature. */
export interface Identities {
  /** @throws {AppError} VALIDATION_FAILED where no device is like that */
  generate(constraints: FingerprintConstraints): Fingerprint;
  /** Whether a fingerprint is one that `generate` could have made from these constraints. */
  meets(fingerprint: Fingerprint, constraints: FingerprintConstraints): boolean;
  /** The same device elsewhere: what follows from place and language changes with them. */
  override(
    fingerprint: Fingerprint,
    changes: {
      readonly timezone?: string | undefined;
      readonly locale?: string | undefined;
      readonly geolocation?: Geolocation | undefined;
    },
  ): Fingerprint;
  findFaults(fingerprint: Fingerprint): CoherenceFault[];
  /** Moves a fingerprint to the version of the browser that runs here, and leaves all else. */
  updateBrowserVersion(fingerprint: Fingerprint): Fingerprint;
  compile(fingerprint: Fingerprint, options: { readonly headless: boolean }): BrowserIdentity;
}

/** The part of a create request that decides over its browser, checked as far as one field goes. */
export type BrowserOptions = Pick<
  CreateSession,
  'headless' | 'viewport' | 'locale' | 'userAgent' | 'profile' | 'allowIncoherent'
> & {
  readonly geolocation?: Geolocation | undefined;
  readonly timezone?: string | undefined;
  readonly stealthLevel: StealthLevel;
  readonly launchArgs: readonly string[];
  readonly extensionDirs: readonly string[];
};

/** Whether a level wears a fingerprint, which those below do not. */
export function wearsFingerprint(level: StealthLevel): boolean {
  return level === 'advanced' || level === 'maximum';
}

/**
 * The level of a session of these options. Who brings a user agent of their own and asks for no level gets the highest one that leaves
 * it to them.
 */
export function stealthLevelOf({
  stealthLevel,
  userAgent,
}: Pick<CreateSession, 'stealthLevel' | 'userAgent'>): StealthLevel {
  return stealthLevel ?? (userAgent === undefined ? SESSION_DEFAULTS.stealthLevel : 'basic');
}

/** Whether a session of these options has no window. @throws {AppError} VALIDATION_FAILED */
export function isHeadless({ headless, stealthLevel }: Pick<CreateSession, 'headless' | 'stealthLevel'>): boolean {
  if (stealthLevel !== 'maximum') return headless ?? SESSION_DEFAULTS.headless;
  if (headless === true) throw invalidField('/headless', 'must be false at stealthLevel maximum, which has a window');
  return false;
}

/**
 * The browser that a create request asks for.
 *
 * @throws {AppError} VALIDATION_FAILED, PROFILE_INCOHERENT
 */
export function toBrowserRequest(options: BrowserOptions, identities: Identities): BrowserRequest {
  return wearsFingerprint(options.stealthLevel) ? identityRequest(options, identities) : plainRequest(options);
}

/** The kind of browser that a create request without options asks for. */
export function usualKind(identities: Identities): BrowserKind {
  const { stealthLevel } = SESSION_DEFAULTS;
  return toBrowserRequest({ stealthLevel, launchArgs: [], extensionDirs: [] }, identities).kind;
}

/** A browser that claims nothing but, at `basic`, not to be automated. */
function plainRequest(options: BrowserOptions): BrowserRequest {
  const { stealthLevel, profile } = options;
  const viewport: Viewport = options.viewport ?? SESSION_DEFAULTS.viewport;
  if (profile !== undefined) {
    throw invalidField('/profile', `is worn from stealthLevel advanced on; ${stealthLevel} wears none`);
  }
  const headless = isHeadless(options);
  const name = `${headless ? 'headless' : 'headful'}-${stealthLevel}`;
  const born: BrowserSpec = {
    headless,
    hideAutomation: stealthLevel !== 'none',
    viewport: SESSION_DEFAULTS.viewport,
    launchArgs: [],
    extensionDirs: [],
  };
  const { timezone, locale, geolocation, userAgent, launchArgs, extensionDirs } = options;
  const isPlain =
    [timezone, locale, geolocation, userAgent].every((each) => each === undefined) &&
    launchArgs.length + extensionDirs.length === 0 &&
    (viewport.deviceScaleFactor ?? 1) === 1 &&
    fitsUsualScreen(viewport);
  return {
    kind: { key: name, name, headless, toSpec: () => born },
    fit: isPlain ? 'warm' : 'unfit',
    toSpec: () => ({ ...born, viewport, timezone, locale, geolocation, userAgent, launchArgs, extensionDirs }),
    accepts: (warm) =>
      warm.identity === undefined && warm.headless === headless && warm.hideAutomation === born.hideAutomation,
    viewport,
  };
}

/** A browser that wears a fingerprint: a given one, or one of a kind. */
function identityRequest(options: BrowserOptions, identities: Identities): BrowserRequest {
  const { profile, userAgent, viewport, launchArgs, extensionDirs } = options;
  if (userAgent !== undefined) {
    throw invalidField('/userAgent', 'is part of the identity; give a profile, or use stealthLevel basic or none');
  }
  const headless = isHeadless(options);
  const toSpec = (fingerprint: Fingerprint): BrowserSpec => ({
    headless,
    hideAutomation: true,
    viewport: viewport ?? viewportOf(fingerprint),
    launchArgs,
    extensionDirs,
    identity: identities.compile(withViewport(fingerprint, viewport), { headless }),
  });
  if (profile !== undefined && 'schema' in profile) return pinnedRequest(profile, { options, identities, toSpec });

  const constraints = toConstraints(options);
  // Made now, so that what nobody is like is refused before anything is begun.
  const fingerprint = placed(drawFor(constraints, { viewport, identities }), options, identities);
  checkViewport(viewport, fingerprint);
  const isFit = options.geolocation === undefined && launchArgs.length + extensionDirs.length === 0;
  return {
    ...kindOf(constraints, { headless, identities }),
    fit: constraints.seed !== undefined ? 'pinned' : isFit ? 'warm' : 'unfit',
    toSpec: () => toSpec(fingerprint),
    accepts: ({ identity, headless: isWarmHeadless }) =>
      identity !== undefined &&
      isWarmHeadless === headless &&
      identities.meets(identity.fingerprint, constraints) &&
      (viewport === undefined || hasScaleFor(viewport, identity.fingerprint)) &&
      whyNotViewport(viewport, identity.fingerprint) === undefined,
    viewport,
  };
}

/** A browser that is to be one certain individual. */
function pinnedRequest(
  profile: Fingerprint,
  parts: {
    readonly options: BrowserOptions;
    readonly identities: Identities;
    readonly toSpec: (fingerprint: Fingerprint) => BrowserSpec;
  },
): BrowserRequest {
  const { options, identities, toSpec } = parts;
  const fingerprint = placed(profile, options, identities);
  checkViewport(options.viewport, fingerprint);
  if (options.allowIncoherent !== true) refuseFaults(identities.findFaults(fingerprint));
  const headless = isHeadless(options);
  return {
    ...kindOf({ os: fingerprint.os }, { headless, identities }),
    fit: 'pinned',
    toSpec: () => toSpec(fingerprint),
    accepts: () => false,
    viewport: options.viewport,
  };
}

function kindOf(
  constraints: FingerprintConstraints,
  { headless, identities }: { readonly headless: boolean; readonly identities: Identities },
): Pick<BrowserRequest, 'kind'> {
  const name = `${headless ? 'headless' : 'headful'}-${constraints.os ?? 'any'}`;
  const sorted = Object.entries(constraints).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    kind: {
      key: `${name} ${JSON.stringify(sorted)}`,
      name,
      headless,
      toSpec: () => {
        const fingerprint = identities.generate(constraints);
        return {
          headless,
          hideAutomation: true,
          viewport: viewportOf(fingerprint),
          launchArgs: [],
          extensionDirs: [],
          identity: identities.compile(fingerprint, { headless }),
        };
      },
    },
  };
}

/** What is asked of a fingerprint that is to be generated: language and time zone can stand outside the profile too. */
function toConstraints({ profile, locale, timezone }: BrowserOptions): FingerprintConstraints {
  const asked = profile === undefined || Object.keys(profile).length === 0 ? USUAL_CONSTRAINTS : profile;
  return {
    ...(asked as FingerprintConstraints),
    ...(locale === undefined ? {} : { locale }),
    ...(timezone === undefined ? {} : { timezone }),
  };
}

function isAboutScreen(error: unknown): boolean {
  return error instanceof AppError && error.extensions.errors?.every(({ path }) => path.startsWith('/screen')) === true;
}

/** A fingerprint of a device that can have a page of this size and scale. */
function drawFor(
  constraints: FingerprintConstraints,
  { viewport, identities }: { readonly viewport: Viewport | undefined; readonly identities: Identities },
): Fingerprint {
  if (viewport === undefined) return identities.generate(constraints);
  const roomy = withRoom(constraints, viewport);
  const { deviceScaleFactor } = viewport;
  const scaled = { ...roomy, screen: { ...roomy.screen, devicePixelRatio: deviceScaleFactor ?? 1 } };
  // A seed stands for one certain device. Where none has the usual scale, pages have the one there is.
  const wishes =
    constraints.seed !== undefined ? [roomy] : deviceScaleFactor === undefined ? [scaled, roomy] : [scaled];
  for (const wish of wishes) {
    try {
      return identities.generate(wish);
    } catch (error) {
      if (!isAboutScreen(error)) throw error;
    }
  }
  throw invalidField('/viewport', 'no such device has a screen for it');
}

/** Whether a page has the scale that is asked for. Who asks for a size alone wants pictures of that size. */
function hasScaleFor({ deviceScaleFactor = 1 }: Viewport, { screen }: Fingerprint): boolean {
  return screen.devicePixelRatio === deviceScaleFactor;
}

/** Asks for a screen that holds a page of this size. */
function withRoom(constraints: FingerprintConstraints, viewport: Viewport): FingerprintConstraints {
  const { minWidth = 0, minHeight = 0 } = constraints.screen ?? {};
  const screen = {
    ...constraints.screen,
    minWidth: Math.max(minWidth, viewport.width),
    minHeight: Math.max(minHeight, windowFor(viewport, viewport.deviceScaleFactor ?? 1).height + LARGEST_INSETS),
  };
  return { ...constraints, screen };
}

function placed(fingerprint: Fingerprint, options: BrowserOptions, identities: Identities): Fingerprint {
  const { timezone, locale, geolocation } = options;
  if ([timezone, locale, geolocation].every((each) => each === undefined)) return fingerprint;
  return identities.override(fingerprint, { timezone, locale, geolocation });
}

/** Size of the page in the window a fingerprint has. */
export function viewportOf({ window, os, screen }: Fingerprint): Viewport {
  if (os === 'android') return { width: window.width, height: window.height };
  return pageSizeOf(window, screen.devicePixelRatio);
}

/** The same device with its window made to fit a page of this size, as its user would. */
export function withViewport(fingerprint: Fingerprint, viewport: Viewport | undefined): Fingerprint {
  if (viewport === undefined) return fingerprint;
  const size = windowFor(viewport, fingerprint.screen.devicePixelRatio);
  return { ...fingerprint, window: { ...fingerprint.window, ...size } };
}

/** Why a device cannot have a page of this size; undefined where it can. */
function whyNotViewport(viewport: Viewport | undefined, { os, screen }: Fingerprint): string | undefined {
  if (viewport === undefined) return undefined;
  if (os === 'android') return 'is what the device says: windows cannot be resized on android';
  const { width, height, deviceScaleFactor = screen.devicePixelRatio } = viewport;
  if (deviceScaleFactor !== screen.devicePixelRatio)
    return `the device has a pixel ratio of ${screen.devicePixelRatio}`;
  const most = pageSizeOf({ width: screen.availWidth, height: screen.availHeight }, deviceScaleFactor);
  if (width > most.width || height > most.height)
    return `is too large for the screen: at most ${most.width} x ${most.height}`;
  return undefined;
}

function checkViewport(viewport: Viewport | undefined, fingerprint: Fingerprint): void {
  const why = whyNotViewport(viewport, fingerprint);
  if (why !== undefined) throw invalidField('/viewport', why);
}

function refuseFaults(faults: readonly CoherenceFault[]): void {
  if (faults.length === 0) return;
  const rules = faults.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new AppError(
    'PROFILE_INCOHERENT',
    `${rules}. Mend it (POST /api/profiles/validate), or send allowIncoherent.`,
    {
      extensions: { faults: [...faults] },
    },
  );
}
