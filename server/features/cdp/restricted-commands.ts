/** The checks that parameters can be held against; `command-checks.ts` has their meaning. */
export type CheckName =
  'browserContext' | 'downloads' | 'dragData' | 'filePaths' | 'innerMessage' | 'optionalUrl' | 'tracing' | 'url';

/** What is done with a command that not every client may send as it likes, and why. */
export type Restriction =
  | { readonly verdict: 'refuse'; readonly why: string }
  /** Its parameters are held against a check, which may refuse it or change them. */
  | { readonly verdict: 'inspect' | 'rewrite'; readonly check: CheckName; readonly why: string }
  /** It is not sent to the browser: the client alone is let go. */
  | { readonly verdict: 'leave'; readonly why: string };

const HOST_FILES = 'it reads files of the host';
const HOST_PATHS = 'it tells paths of the host';
const INSTALLS = 'it installs apps on the host, or starts them with its files';
const CASTS = 'it looks for devices in the network of the host and sends to them';
const ENDS_BROWSER = 'it ends the browser behind the back of the service; end the session instead';
const MEMORY_MAP = 'it tells where the code of the browser lies, in memory and on the host';
const URLS = 'only addresses that a page could have are opened, no files and no pages of the browser itself';
const PORTS = 'it opens ports on the host';

/** Every command that is refused, held against a check, changed, or answered by the gateway. */
export const RESTRICTED_COMMANDS: Readonly<Record<string, Restriction>> = {
  'Browser.close': { verdict: 'leave', why: 'the browser belongs to the session, not to one of its clients' },
  'Browser.crash': { verdict: 'refuse', why: ENDS_BROWSER },
  'Browser.crashGpuProcess': { verdict: 'refuse', why: ENDS_BROWSER },
  'Browser.executeBrowserCommand': { verdict: 'refuse', why: 'it opens pages of the browser itself' },
  'Browser.getBrowserCommandLine': { verdict: 'refuse', why: HOST_PATHS },
  'Browser.setDownloadBehavior': {
    verdict: 'rewrite',
    check: 'downloads',
    why: 'downloads go to the folder of the session',
  },
  'Page.setDownloadBehavior': {
    verdict: 'rewrite',
    check: 'downloads',
    why: 'downloads go to the folder of the session',
  },
  'Cast.enable': { verdict: 'refuse', why: CASTS },
  'Cast.setSinkToUse': { verdict: 'refuse', why: CASTS },
  'Cast.startDesktopMirroring': { verdict: 'refuse', why: CASTS },
  'Cast.startTabMirroring': { verdict: 'refuse', why: CASTS },
  'Cast.stopCasting': { verdict: 'refuse', why: CASTS },
  'DOM.setFileInputFiles': {
    verdict: 'inspect',
    check: 'filePaths',
    why: `${HOST_FILES}: only those in the folder of the session`,
  },
  'DeviceAccess.selectPrompt': { verdict: 'refuse', why: 'it hands a device of the host to the page' },
  'Extensions.getExtensions': { verdict: 'refuse', why: HOST_PATHS },
  'Extensions.loadUnpacked': { verdict: 'refuse', why: `${HOST_FILES}; name extensions when the session is created` },
  'Fetch.continueRequest': { verdict: 'inspect', check: 'optionalUrl', why: URLS },
  'Input.dispatchDragEvent': {
    verdict: 'inspect',
    check: 'dragData',
    why: `${HOST_FILES}: only those in the folder of the session`,
  },
  'Memory.getAllTimeSamplingProfile': { verdict: 'refuse', why: MEMORY_MAP },
  'Memory.getBrowserSamplingProfile': { verdict: 'refuse', why: MEMORY_MAP },
  'Memory.getSamplingProfile': { verdict: 'refuse', why: MEMORY_MAP },
  'Network.continueInterceptedRequest': { verdict: 'inspect', check: 'optionalUrl', why: URLS },
  'Network.loadNetworkResource': { verdict: 'inspect', check: 'url', why: URLS },
  'PWA.changeAppUserSettings': { verdict: 'refuse', why: INSTALLS },
  'PWA.getOsAppState': { verdict: 'refuse', why: INSTALLS },
  'PWA.install': { verdict: 'refuse', why: INSTALLS },
  'PWA.launch': { verdict: 'refuse', why: INSTALLS },
  'PWA.launchFilesInApp': { verdict: 'refuse', why: INSTALLS },
  'PWA.openCurrentPageInApp': { verdict: 'refuse', why: INSTALLS },
  'PWA.uninstall': { verdict: 'refuse', why: INSTALLS },
  'Page.addCompilationCache': { verdict: 'refuse', why: 'it runs machine-made code that the browser does not check' },
  'Page.navigate': { verdict: 'inspect', check: 'url', why: URLS },
  'SystemInfo.getInfo': { verdict: 'refuse', why: `${HOST_PATHS}, in the command line of the browser` },
  'Target.createBrowserContext': {
    verdict: 'inspect',
    check: 'browserContext',
    why: 'its own proxy would get round that of the session',
  },
  'Target.createTarget': { verdict: 'inspect', check: 'url', why: URLS },
  'Target.exposeDevToolsProtocol': { verdict: 'refuse', why: 'a page could send commands that nobody looks at' },
  'Target.openDevTools': {
    verdict: 'refuse',
    why: 'it opens a page of the browser that sends commands nobody looks at',
  },
  'Target.sendMessageToTarget': {
    verdict: 'inspect',
    check: 'innerMessage',
    why: 'the command inside is held against this table',
  },
  'Target.setRemoteLocations': { verdict: 'refuse', why: 'it connects the browser to debugging ports elsewhere' },
  'Tethering.bind': { verdict: 'refuse', why: PORTS },
  'Tethering.unbind': { verdict: 'refuse', why: PORTS },
  'Tracing.start': {
    verdict: 'inspect',
    check: 'tracing',
    why: 'a configuration of Perfetto can name files, and its system service sees the whole host',
  },
};
