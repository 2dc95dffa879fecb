import { isTopLevel, isWindowRealm, type Realm } from '../realms.ts';

/** Values that are a page's own, or of the window it happens to be in. */
const OF_THE_PAGE = new Set([
  'innerSize',
  'outerSize',
  'windowPosition',
  'candidates',
  'unanswered',
  'isSecure',
  'scrollbar',
]);
/** Frames of other sites are given no permissions; all others answer alike. */
const OF_THE_SITE = new Set(['notifications', 'geolocation', 'mediaDevices', 'storageQuota']);
/** Which of them there are depends on the kind of realm. */
const OF_THE_KIND = new Set(['apis', 'navigatorApis']);
/** A frame is drawn in the scheme of the page around it, and may not know it yet when its first script runs. */
const OF_THE_TAB = new Set(['colorScheme']);
const ONLY_IN_WINDOWS = new Set([
  ...[
    'webdriver',
    'vendor',
    'vendorSub',
    'productSub',
    'maxTouchPoints',
    'pdfViewerEnabled',
    'doNotTrack',
    'cookieEnabled',
  ],
  ...[
    'canvasGl',
    'styledFonts',
    'heapLimit',
    'screenSize',
    'availableScreen',
    'colorDepth',
    'orientation',
    'isExtended',
  ],
  ...['devicePixelRatio', 'cssScreen', 'hover', 'pointer', 'colorGamut', 'preferences', 'touchEvents'],
  ...['voices', 'plugins', 'mimeTypes', 'chromeObject', 'globalNames'],
]);
const IN_WORKLETS = new Set(['timezone', 'timezoneOffsets', 'dateText', 'intlLocale', 'localDate', 'maths']);

const FOREIGN = /cross-site|sandboxed/;

/** Whether `realm` must say the same about `field` as the main page, which has it. */
export function mustAgree(field: string, realm: Realm): boolean {
  if (OF_THE_PAGE.has(field)) return false;
  if (realm.how === 'worklet') return IN_WORKLETS.has(field);
  // Chromium gives a document that a script has written over another one no `chrome.app`.
  if (field === 'chromeObject' && realm.how === 'javascript frame') return false;
  const isWindow = isWindowRealm(realm);
  if (OF_THE_SITE.has(field)) return isWindow && !FOREIGN.test(realm.realm);
  if (OF_THE_KIND.has(field)) return isWindow;
  if (OF_THE_TAB.has(field)) return isTopLevel(realm);
  return isWindow || !ONLY_IN_WINDOWS.has(field);
}
