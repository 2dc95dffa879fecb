import type { Finding, ProbeRequest, ProbeResult, RealmValue } from '../probe-run.ts';
import { isTopLevel, isWindowRealm, listRealms } from '../realms.ts';
import { isSame, mainValues, type MainValues, plain } from './values.ts';

interface Brand {
  readonly brand: string;
  readonly version: string;
}

const quoted = (value: RealmValue | undefined): string => `"${plain(value)}"`;
const flag = (value: RealmValue | undefined): string => (value === true ? '?1' : '?0');
const brandList = (value: RealmValue | undefined): string =>
  Array.isArray(value)
    ? (value as unknown as Brand[]).map((each) => `"${each.brand}";v="${each.version}"`).join(', ')
    : '';
const stringList = (value: RealmValue | undefined): string =>
  Array.isArray(value) ? (value as readonly string[]).map(quoted).join(', ') : '';

/** What scripts know as `de-DE, de, en` goes out as `de-DE,de;q=0.9,en;q=0.8`. */
export function acceptLanguage(languages: readonly RealmValue[]): string {
  return languages
    .map((language, index) =>
      index === 0 ? plain(language) : `${plain(language)};q=${Math.max(0.1, (10 - index) / 10)}`,
    )
    .join(',');
}

/** Each header that names something a script can read, as it has to be for these values. */
function expectedHeaders({ all, list }: MainValues): Readonly<Record<string, string>> {
  return {
    'user-agent': plain(all['userAgent']),
    'accept-language': acceptLanguage(list('languages')),
    'sec-ch-ua': brandList(all['brands']),
    'sec-ch-ua-mobile': flag(all['mobile']),
    'sec-ch-ua-platform': quoted(all['hintPlatform']),
    'sec-ch-ua-platform-version': quoted(all['platformVersion']),
    'sec-ch-ua-arch': quoted(all['architecture']),
    'sec-ch-ua-bitness': quoted(all['bitness']),
    'sec-ch-ua-model': quoted(all['model']),
    'sec-ch-ua-wow64': flag(all['wow64']),
    'sec-ch-ua-full-version': quoted(all['uaFullVersion']),
    'sec-ch-ua-full-version-list': brandList(all['fullVersionList']),
    'sec-ch-ua-form-factors': stringList(all['formFactors']),
    'device-memory': plain(all['deviceMemory']),
    'sec-ch-device-memory': plain(all['deviceMemory']),
    dpr: plain(all['devicePixelRatio']),
    'sec-ch-dpr': plain(all['devicePixelRatio']),
    'sec-ch-prefers-color-scheme': quoted(all['colorScheme']).replaceAll('"', ''),
  };
}

/** Sent with all that a window asks for; workers, Chromium's own too, send no client hints at all. */
const FROM_WINDOWS = ['sec-ch-ua', 'sec-ch-ua-mobile', 'sec-ch-ua-platform'] as const;
/** Sent with what a document asks for once its site has asked for them. */
const ONCE_ASKED = [
  ...['sec-ch-ua-platform-version', 'sec-ch-ua-arch', 'sec-ch-ua-bitness', 'sec-ch-ua-model', 'sec-ch-ua-wow64'],
  ...['sec-ch-ua-full-version-list', 'sec-ch-ua-form-factors', 'device-memory', 'dpr'],
];

const FROM_MAIN = new Set(['document', 'script', 'report', 'fetch', 'xhr']);

/** Who asks; the worklet's own requests are the page's or a worker's, depending on what is asked for. */
function askerOf({ realm }: ProbeRequest, { tree, absent }: ProbeResult): 'window' | 'worker' | 'worklet' {
  const found = listRealms(tree).find((each) => each.realm === realm);
  // That a realm could not be made is said by the one above it.
  if (found?.how === 'worklet' || absent.has(realm)) return 'worklet';
  return found === undefined || isWindowRealm(found) ? 'window' : 'worker';
}

/** Frames are told a scheme of their own; see realm-fields.ts. */
function isOfTab({ realm }: ProbeRequest, { tree }: ProbeResult): boolean {
  return listRealms(tree).some((each) => each.realm === realm && isTopLevel(each));
}

function missingHeaders(request: ProbeRequest, result: ProbeResult): string[] {
  const required = ['user-agent', 'accept-language'];
  if (request.kind !== 'socket' && askerOf(request, result) === 'window') required.push(...FROM_WINDOWS);
  if (request.realm === 'main' && FROM_MAIN.has(request.kind)) required.push(...ONCE_ASKED);
  return required.filter((name) => request.headers[name] === undefined);
}

const hintsSent = ({ headers }: ProbeRequest): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('sec-ch-') || name === 'dpr' || name === 'device-memory');

/** Requests whose headers say something else than the main page's scripts do, or lack what a browser sends with all of them. */
export function compareHeaders(result: ProbeResult): Finding[] {
  const expected = expectedHeaders(mainValues(result));
  return result.requests.flatMap((request) => {
    const realm = request.realm;
    const field = (name: string): string => `${name} of ${request.method} ${request.kind}`;
    const wrong = Object.entries(expected).filter(([name, value]) => {
      if (name === 'sec-ch-prefers-color-scheme' && !isOfTab(request, result)) return false;
      const sent = request.headers[name];
      return sent !== undefined && !isSame(String(sent), value);
    });
    return [
      ...missingHeaders(request, result).map((name) => ({ realm, field: field(name), text: 'is missing' })),
      ...(askerOf(request, result) === 'worker' ? hintsSent(request) : []).map((name) => ({
        realm,
        field: field(name),
        text: 'is sent, and workers send none',
      })),
      ...wrong.map(([name, value]) => ({
        realm,
        field: field(name),
        text: `is ${String(request.headers[name])}, scripts know ${value}`,
      })),
    ];
  });
}

/** Kinds of requests the main page causes; each must have come, or its headers were never looked at. */
const KINDS = [
  ...[
    'document',
    'script',
    'report',
    'image',
    'style',
    'preload',
    'prefetch',
    'beacon',
    'events',
    'socket',
    'xhr',
    'fetch',
  ],
  ...['redirect', 'cached', 'import'],
];

/** Kinds of requests that never came. */
export function listUnseenRequests({ requests }: ProbeResult): Finding[] {
  const seen = new Set(requests.filter(({ realm }) => realm === 'main').map(({ kind }) => kind));
  return KINDS.filter((kind) => !seen.has(kind)).map((field) => ({
    realm: 'main',
    field,
    text: 'was never requested',
  }));
}

/** What a request has or lacks for reasons that have nothing to do with the browser. */
const INCIDENTAL =
  /^(host|referer|cookie|sec-fetch-user|sec-fetch-site|content-length|cache-control|pragma|if-none-match)$/i;

/** What a browser sends or leaves out by what a site has asked for before, and by its settings. */
const OPTIONAL = /^(sec-ch-.*|device-memory|dpr|viewport-width|dnt)$/i;

/** Names without those of optional headers that the other request does not have. */
function comparable(names: readonly string[], others: readonly string[]): string {
  return names.filter((name) => !OPTIONAL.test(name) || others.includes(name)).join(' ');
}

/** The main page's requests whose headers come in another order, or under other names, than in a browser nobody drives. */
export function compareHeaderOrder(result: ProbeResult, control: ProbeResult): Finding[] {
  const orders = ({ requests }: ProbeResult): Map<string, readonly string[]> =>
    new Map(
      requests
        .filter(({ realm }) => realm === 'main')
        .map(({ kind, headerNames }) => [kind, headerNames.filter((name) => !INCIDENTAL.test(name))]),
    );
  const expected = orders(control);
  return [...orders(result)].flatMap(([kind, names]) => {
    const native = expected.get(kind);
    if (native === undefined) return [];
    const [own, usual] = [comparable(names, native), comparable(native, names)];
    if (own === usual) return [];
    return [{ realm: 'main', field: `header order of ${kind}`, text: `is ${own}, natively ${usual}` }];
  });
}
