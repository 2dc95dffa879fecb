export { adoptBrowser, findOwnedBrowsers, type OwnedBrowser } from './adopt-browser.ts';
export type { BlockedType } from './blocked-types.ts';
export { Browser } from './browser.ts';
export { browserFolderRoot, FolderRootError, openFolderRoot, removeLeftovers } from './browser-folder.ts';
export type { BrowserIdentity, HomeFile, SetupCommand } from './browser-identity.ts';
export type { BrowserHost, BrowserProxy, BrowserSpec } from './browser-spec.ts';
export { type BrowserCheckpoint, emptyCheckpoint } from './checkpoint.ts';
export { CdpClosedError } from './cdp-connection.ts';
export { listBrands, reducedUserAgent } from './client-hints.ts';
export {
  findChromium,
  findHardwareHelper,
  findXvfb,
  hasLlvmpipe,
  hasSharedMemory,
  readBrowserVersion,
} from './host-browser.ts';
export { type FillUserData, launchBrowser, launchFilledBrowser, relaunchBrowser } from './launch-browser.ts';
export { DebuggingPorts } from './debugging-ports.ts';
export { fitsUsualScreen } from './launch-plan.ts';
export { nearestPage, pageSizeOf, windowFor, windowLength } from './window-size.ts';
export type { Page } from './page.ts';
export { ProcessMeter, type ProcessUsage } from './process-meter.ts';
export { ProcessGroups } from './process-groups.ts';
