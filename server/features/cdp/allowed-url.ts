const ALLOWED_SCHEMES: ReadonlySet<string> = new Set([
  'http:',
  'https:',
  'data:',
  'blob:',
  'javascript:',
  'chrome-extension:',
]);
const WEB_SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:']);
const ABOUT_PAGES: ReadonlySet<string> = new Set(['blank', 'srcdoc']);
const VIEW_SOURCE = 'view-source:';

/**
 * The viewer of PDF files, the one extension every Chromium has. Its own page may open files (`chrome.tabs.create`), and a
 * client that opened it could run scripts there.
 */
const PDF_VIEWER = 'mhjfbmdgcfjbbpaeojofohoefgiehjai';
const EXTENSION_ID = /^[a-p]{32}$/;

/**
 * Why a client may not open an address; undefined when it may.
 *
 * The address is read as the URL Standard has it, which is how Chromium reads it too: blanks around it, line breaks inside of it
 * and the case of its scheme make no difference.
 */
export function whyNotOpen(address: string): string | undefined {
  // The empty page of a new tab; elsewhere Chromium refuses it.
  if (address === '') return undefined;
  const url = URL.parse(address);
  if (url === null) return 'the address is no URL';
  if (url.protocol === VIEW_SOURCE) {
    const inner = URL.parse(url.href.slice(VIEW_SOURCE.length));
    return inner !== null && WEB_SCHEMES.has(inner.protocol)
      ? undefined
      : 'only the source of http and https pages is shown';
  }
  if (url.protocol === 'about:') {
    return ABOUT_PAGES.has(url.pathname) ? undefined : 'of the about: pages only about:blank may be opened';
  }
  if (url.protocol === 'chrome-extension:') return whyNotExtension(url.hostname);
  return ALLOWED_SCHEMES.has(url.protocol) ? undefined : `${url.protocol} addresses may not be opened`;
}

/** Chromium reads an id in any case and with escapes too; written plainly it can be compared. */
function whyNotExtension(id: string): string | undefined {
  if (!EXTENSION_ID.test(id)) return 'the id of an extension must be written plainly';
  return id === PDF_VIEWER ? 'the viewer of PDF files may not be opened without one' : undefined;
}
