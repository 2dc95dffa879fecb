import type { Viewport } from '@guise/contract';

import type { BrowserFolder } from './browser-folder.ts';
import { FOLDER_ROOT_VARIABLE, FOLDER_VARIABLE } from './browser-folder.ts';
import type { BrowserIdentity, IdentityDisplay } from './browser-identity.ts';
import type { BrowserHost, BrowserSpec } from './browser-spec.ts';
import { desktopUserAgent } from './client-hints.ts';
import { windowFor, windowLength } from './window-size.ts';

/** Size of the screen a browser stands on, in physical pixels. */
const SCREEN = { width: 1920, height: 1080 } as const;

const DISABLED_FEATURES = [
  // Each is a WebUI renderer per window that no automated session looks at: about 40 MB.
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'WebUIReloadButton',
  // Without this one Chromium ignores `--load-extension`.
  'DisableLoadExtensionCommandLineSwitch',
  // Downloads models in the background.
  'OptimizationHints',
  'OptimizationGuideModelDownloading',
  'MediaRouter',
  'Translate',
  // A renderer in reserve for the next site: 7 MB a session, for 5 ms of a navigation to another site.
  'SpareRendererForSitePerProcess',
];

const ENABLED_FEATURES = [
  // The network service as a part of the browser process, in place of a process of its own: 16 MB a session. On Linux that
  // process has no sandbox that would be lost.
  'NetworkServiceInProcess2',
];

/**
 * Flags every browser gets; none of them can be seen by a page.
 *
 * Not among them: `--disable-crashpad-for-testing`, which saves two small processes and makes every navigation end in
 * ERR_ABORTED (Chromium 156).
 */
const COMMON_FLAGS = [
  '--no-first-run',
  '--no-default-browser-check',
  '--no-service-autorun',
  '--disable-background-networking',
  '--disable-client-side-phishing-detection',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-hang-monitor',
  '--disable-prompt-on-repost',
  '--disable-quic',
  '--disable-search-engine-choice-screen',
  '--disable-sync',
  // Tabs in the background run at full speed: a client drives several at once.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--hide-crash-restore-bubble',
  '--metrics-recording-only',
  '--password-store=basic',
  // Keeps information bars out of the window, so that the page has the height it was given.
  '--test-type',
  // The proxy carries no UDP.
  '--webrtc-ip-handling-policy=disable_non_proxied_udp',
];

/** How to start one browser. */
export interface LaunchPlan {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** User agent a browser starts with by a flag; undefined leaves Chromium its own. */
export function plannedUserAgent(spec: BrowserSpec, version: string): string | undefined {
  if (spec.identity !== undefined) return spec.identity.userAgent.userAgent;
  if (spec.userAgent !== undefined) return spec.userAgent;
  return spec.headless && spec.hideAutomation ? desktopUserAgent(version) : undefined;
}

/** The screen must hold the window, so it grows with a viewport larger than usual. */
function screenFor(viewport: Viewport): { width: number; height: number } {
  const scale = viewport.deviceScaleFactor ?? 1;
  const window = windowFor(viewport, scale);
  return {
    // Chromium keeps a window one pixel smaller than a screen it would fill.
    width: Math.max(SCREEN.width, Math.ceil(window.width * scale) + 1),
    height: Math.max(SCREEN.height, Math.ceil(window.height * scale) + 1),
  };
}

/** Whether a window with this page fits on the screen of a browser launched for the usual viewport. */
export function fitsUsualScreen(viewport: Viewport): boolean {
  const screen = screenFor(viewport);
  return screen.width === SCREEN.width && screen.height === SCREEN.height;
}

/** The display of a browser with a window: its identity's screen, or one that holds its viewport and has no taskbar. */
export function displayFor({ identity, viewport }: BrowserSpec): IdentityDisplay {
  if (identity !== undefined) return identity.display;
  const screen = screenFor(viewport);
  return { ...screen, workArea: { left: 0, top: 0, ...screen } };
}

function displayFlags({ identity, headless, viewport }: BrowserSpec): string[] {
  const mode = headless ? ['--headless=new'] : [];
  // An identity says where its window stands on what screen.
  if (identity !== undefined) return mode;
  const screen = screenFor(viewport);
  const scale = viewport.deviceScaleFactor ?? 1;
  const window = windowFor(viewport, scale);
  return [
    ...mode,
    `--window-size=${windowLength(window.width, scale)},${windowLength(window.height, scale)}`,
    '--window-position=0,0',
    headless
      ? `--screen-info={${screen.width}x${screen.height} devicePixelRatio=${scale}}`
      : `--force-device-scale-factor=${scale}`,
  ];
}

const NOTHING: BrowserIdentity['features'] = { enabled: [], disabled: [] };
const NOTHING_SWITCHED = { features: NOTHING, blinkFeatures: NOTHING };

/** Chromium heeds only the last flag of each of these names, so there is one for all who have something to switch. */
function featureFlags({ hideAutomation, identity }: BrowserSpec): string[] {
  const { features, blinkFeatures } = identity ?? NOTHING_SWITCHED;
  // Said either way: by itself Chromium says it headless or with a debugging port of its own choice, and else does not.
  const automation = ['AutomationControlled'];
  const list = (name: string, features: readonly string[]): string[] =>
    features.length === 0 ? [] : [`--${name}=${features.join(',')}`];
  return [
    ...list('disable-features', [...DISABLED_FEATURES, ...features.disabled]),
    ...list('enable-features', [...ENABLED_FEATURES, ...features.enabled]),
    ...list('disable-blink-features', [...(hideAutomation ? automation : []), ...blinkFeatures.disabled]),
    ...list('enable-blink-features', [...(hideAutomation ? [] : automation), ...blinkFeatures.enabled]),
  ];
}

function identityFlags(spec: BrowserSpec, version: string): readonly string[] {
  if (spec.identity !== undefined) return spec.identity.flags;
  const userAgent = plannedUserAgent(spec, version);
  return [
    ...(userAgent === undefined ? [] : [`--user-agent=${userAgent}`]),
    ...(spec.locale === undefined ? [] : [`--accept-lang=${acceptLanguages(spec.locale)}`]),
  ];
}

/** `de-DE` as the list a German browser has: `de-DE,de`. */
function acceptLanguages(locale: string): string {
  const [language] = locale.split('-');
  return language === undefined || language === locale ? locale : `${locale},${language}`;
}

function extensionFlags(dirs: readonly string[]): string[] {
  if (dirs.length === 0) return ['--disable-component-extensions-with-background-pages'];
  return [`--load-extension=${dirs.join(',')}`, `--disable-extensions-except=${dirs.join(',')}`];
}

/**
 * Leaves a browser one way out: its proxy, for loopback addresses too, which Chromium would reach past it. It looks up no name and connects to
 * no other address, whatever may not ask for a proxy: a prefetch of names, for one.
 */
function proxyFlags(port: number): string[] {
  const proxy = `127.0.0.1:${port}`;
  return [
    `--proxy-server=http://${proxy}`,
    '--proxy-bypass-list=<-loopback>',
    `--host-resolver-rules=MAP ${proxy} ${proxy},MAP * ~NOTFOUND`,
  ];
}

/** Turns a spec into the command line and the environment of its browser. Pure. */
export function planLaunch(
  spec: BrowserSpec,
  host: BrowserHost,
  place: {
    folder: BrowserFolder;
    display: { name: string; authorityFile: string } | undefined;
    debuggingPort: number;
    proxyPort: number;
  },
): LaunchPlan {
  const { folder, display, debuggingPort, proxyPort } = place;
  return {
    args: [
      `--user-data-dir=${folder.userDataDir}`,
      `--remote-debugging-port=${debuggingPort}`,
      ...COMMON_FLAGS,
      ...proxyFlags(proxyPort),
      ...(host.sandbox ? [] : ['--no-sandbox']),
      ...(host.sharedMemory ? [] : ['--disable-dev-shm-usage']),
      ...featureFlags(spec),
      ...displayFlags(spec),
      ...identityFlags(spec, host.version),
      ...extensionFlags(spec.extensionDirs),
      ...spec.launchArgs,
      'about:blank',
    ],
    environment: {
      // A whole environment of its own: nothing of the service's, least of all its secrets, reaches a browser.
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: folder.path,
      TMPDIR: folder.temporaryDir,
      LANG: 'C.UTF-8',
      [FOLDER_ROOT_VARIABLE]: host.foldersRoot,
      [FOLDER_VARIABLE]: folder.path,
      ...(spec.timezone === undefined ? {} : { TZ: spec.timezone }),
      ...spec.identity?.environment,
      ...(display === undefined ? {} : { DISPLAY: display.name, XAUTHORITY: display.authorityFile }),
    },
  };
}
