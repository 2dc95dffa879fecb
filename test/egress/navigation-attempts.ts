import { type Aim, markup, type PageAttempt, quote, script, whenLoaded } from './page-attempt.ts';

const attribute = (html: string): string => html.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
const image = ({ url }: Aim): string => `<img src="${url}">`;
const appendFrame = (set: string): string =>
  `const f = document.createElement('iframe'); ${set}; document.documentElement.append(f)`;

/** Frames of every kind. */
const FRAMES: readonly PageAttempt[] = [
  markup('a frame', ({ url }) => `<iframe src="${url}"></iframe>`),
  markup('a frame in a sandbox', ({ url }) => `<iframe sandbox src="${url}"></iframe>`),
  markup('an image in a srcdoc frame', (aim) => `<iframe srcdoc="${attribute(image(aim))}"></iframe>`),
  markup(
    'an image in a data: frame',
    (aim) => `<iframe src="data:text/html,${encodeURIComponent(image(aim))}"></iframe>`,
  ),
  script('an image in a blob: frame', (aim) =>
    appendFrame(`f.src = URL.createObjectURL(new Blob([${quote(image(aim))}], { type: 'text/html' }))`),
  ),
  script('an image in a javascript: frame', (aim) =>
    appendFrame(`f.src = 'javascript:' + ${quote(quote(image(aim)))}`),
  ),
  script(
    'an image that is written into an empty frame',
    (aim) => `${appendFrame('')}; f.contentDocument.write(${quote(image(aim))})`,
  ),
  markup('a frame set', ({ url }) => `<iframe srcdoc="<frameset><frame src='${url}'></frameset>"></iframe>`),
];

/** Ways by which a document leaves for another. */
const DEPARTURES: readonly PageAttempt[] = [
  markup('a refresh', ({ url }) => `<meta http-equiv=refresh content="0;url=${url}">`),
  { title: 'a refresh in a header', html: () => 'x', headers: ({ url }) => ({ refresh: `0;url=${url}` }) },
  script('location', ({ url }) => whenLoaded(`location = ${quote(url)}`)),
  script('location.replace', ({ url }) => whenLoaded(`location.replace(${quote(url)})`)),
  script('the navigation API', ({ url }) => whenLoaded(`navigation.navigate(${quote(url)})`)),
  markup('a form', ({ url }) => `<form id=f action="${url}"></form><script>${whenLoaded('f.submit()')}</script>`),
  markup(
    'a form that posts',
    ({ url }) =>
      `<form id=f method=post action="${url}"><input name=a></form><script>${whenLoaded('f.submit()')}</script>`,
  ),
  markup(
    'a form for a window of its own',
    ({ url }) => `<form id=f target=_blank action="${url}"></form><script>${whenLoaded('f.submit()')}</script>`,
  ),
  markup('a link', ({ url }) => `<a id=l href="${url}">x</a><script>${whenLoaded('l.click()')}</script>`),
  markup(
    'a link for a window of its own',
    ({ url }) => `<a id=l target=_blank href="${url}">x</a><script>${whenLoaded('l.click()')}</script>`,
  ),
  markup('a download', ({ url }) => `<a id=l download href="${url}">x</a><script>${whenLoaded('l.click()')}</script>`),
  markup(
    'the ping of a link',
    ({ url }) => `<a id=l href="/none" ping="${url}">x</a><script>${whenLoaded('l.click()')}</script>`,
  ),
  script('a window', ({ url }) => whenLoaded(`open(${quote(url)})`)),
  script('a window that is sent there later', ({ url }) => whenLoaded(`open('about:blank').location = ${quote(url)}`)),
];

const redirectTo = (path: string): string => `/redirect?${path}`;
const STATUSES = [301, 302, 303, 307, 308] as const;

/** Allowed addresses that lead to one that is not. */
const REDIRECTS: readonly PageAttempt[] = [
  ...STATUSES.map((status): PageAttempt => ({
    title: `the document's own redirect, ${status}`,
    status,
    html: () => '',
    headers: ({ url }) => ({ location: url }),
  })),
  ...STATUSES.map((status): PageAttempt =>
    markup(`an image's redirect, ${status}`, ({ url }) => `<img src="${redirectTo(`${status} ${url}`)}">`),
  ),
  script('the redirect of a fetch', ({ url }) => `fetch(${quote(redirectTo(`302 ${url}`))}, { mode: 'no-cors' })`),
  script(
    'the redirect of a post',
    ({ url }) => `fetch(${quote(redirectTo(`307 ${url}`))}, { mode: 'no-cors', method: 'POST', body: 'x' })`,
  ),
  script(
    'a redirect to a redirect',
    ({ url }) =>
      `fetch(${quote(redirectTo(`302 /redirect?${encodeURIComponent(`302 ${url}`)}`))}, { mode: 'no-cors' })`,
  ),
  script('the redirect of an event stream', ({ url }) => `new EventSource(${quote(redirectTo(`302 ${url}`))})`),
  script(
    'the redirect of a worker script',
    ({ url }) =>
      `new Worker(URL.createObjectURL(new Blob(["importScripts(" + JSON.stringify(location.origin + ${quote(redirectTo(`302 ${url}`))}) + ")"])))`,
  ),
  markup('the redirect of a video', ({ url }) => `<video preload=auto src="${redirectTo(`302 ${url}`)}"></video>`),
];

/** What only a page of its own does. */
const TABS: readonly PageAttempt[] = [
  {
    title: 'a connection made ahead',
    html: ({ place }) => `<link rel=preconnect href="https://${place}/">`,
    needsTab: true,
  },
  {
    title: 'a connection made ahead by a header',
    html: () => 'x',
    headers: ({ place }) => ({ link: `<https://${place}/>; rel=preconnect` }),
    needsTab: true,
  },
  { title: 'the icon of a page', html: ({ url }) => `<link rel=icon href="${url}">`, needsTab: true },
  {
    title: 'the page that was there before',
    html: ({ url }) =>
      `<script>${whenLoaded(`if (location.hash) { location = ${quote(url)} } else { location.hash = 'a'; history.back(); setTimeout(() => { location.hash = 'b'; location.reload() }, 50) }`)}</script>`,
    needsTab: true,
  },
  {
    title: 'a beacon when the page is left',
    html: ({ url }) =>
      `<script>addEventListener('pagehide', () => navigator.sendBeacon(${quote(url)})); ${whenLoaded("location = '/none'")}</script>`,
    needsTab: true,
  },
];

export const NAVIGATION_ATTEMPTS: readonly PageAttempt[] = [...FRAMES, ...DEPARTURES, ...REDIRECTS, ...TABS];
