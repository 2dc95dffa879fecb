import { markup, type PageAttempt, quote, script } from './page-attempt.ts';

const worker = (source: string): string => `new Worker(URL.createObjectURL(new Blob([${quote(source)}])))`;
const moduleOf = (source: string): string =>
  `URL.createObjectURL(new Blob([${quote(source)}], { type: 'text/javascript' }))`;
const style = (css: string): string => `<style>${css}</style><p>x</p>`;

/** Things a document loads by itself. */
const LOADED: readonly PageAttempt[] = [
  markup('an image', ({ url }) => `<img src="${url}">`),
  markup('an image of a set', ({ url }) => `<img srcset="${url} 1x">`),
  markup('a picture source', ({ url }) => `<picture><source srcset="${url}"><img src="data:,"></picture>`),
  markup('an image button', ({ url }) => `<form><input type=image src="${url}"></form>`),
  markup('a style sheet', ({ url }) => `<link rel=stylesheet href="${url}">`),
  markup('an imported style sheet', ({ url }) => style(`@import "${url}";`)),
  markup('a background', ({ url }) => style(`p{background:url("${url}")}`)),
  markup('a set of backgrounds', ({ url }) => style(`p{background:image-set("${url}" 1x)}`)),
  markup('a mask', ({ url }) => style(`p{mask:url("${url}#m")}`)),
  markup('a list marker', ({ url }) => `<ul><li style='list-style-image:url("${url}")'>x</ul>`),
  markup('a font', ({ url }) => style(`@font-face{font-family:v;src:url("${url}")} p{font-family:v}`)),
  markup('a script', ({ url }) => `<script src="${url}"></script>`),
  markup('a module', ({ url }) => `<script type=module src="${url}"></script>`),
  markup('a video', ({ url }) => `<video preload=auto src="${url}"></video>`),
  markup('a poster', ({ url }) => `<video poster="${url}"></video>`),
  markup('an audio', ({ url }) => `<audio preload=auto src="${url}"></audio>`),
  markup(
    'subtitles',
    ({ url }) =>
      `<video crossorigin=anonymous src="data:video/mp4,"><track default kind=subtitles src="${url}"></video>`,
  ),
  markup('an object', ({ url }) => `<object data="${url}"></object>`),
  markup('an embedded file', ({ url }) => `<embed src="${url}">`),
  markup('a PDF', ({ url }) => `<embed type=application/pdf src="${url}file.pdf">`),
  markup('an image in SVG', ({ url }) => `<svg><image href="${url}" width=9 height=9 /></svg>`),
  markup(
    'an image in an SVG filter',
    ({ url }) => `<svg><filter id=f><feImage href="${url}"/></filter><rect width=9 height=9 filter="url(#f)"/></svg>`,
  ),
  markup('a preload', ({ url }) => `<link rel=preload as=image href="${url}">`),
  markup('a module preload', ({ url }) => `<link rel=modulepreload href="${url}">`),
  markup('a prefetch', ({ url }) => `<link rel=prefetch href="${url}">`),
  markup('a relative address and a base', ({ url }) => `<base href="${url}"><img src=x.png>`),
  {
    title: 'a preload in a header',
    html: () => 'x',
    headers: ({ url }) => ({ link: `<${url}>; rel=preload; as=image` }),
  },
  {
    title: 'a report of the content policy',
    html: () => '<img src="data:,">',
    headers: ({ url }) => ({ 'content-security-policy': `img-src 'none'; report-uri ${url}` }),
  },
];

/** Things a script asks for. */
const ASKED: readonly PageAttempt[] = [
  script('fetch', ({ url }) => `fetch(${quote(url)})`),
  script('fetch without reading', ({ url }) => `fetch(${quote(url)}, { mode: 'no-cors' })`),
  script('fetch that outlives its page', ({ url }) => `fetch(${quote(url)}, { mode: 'no-cors', keepalive: true })`),
  script('fetch with a preflight', ({ url }) => `fetch(${quote(url)}, { method: 'PUT', headers: { 'x-a': 'b' } })`),
  script('fetch into the cache', ({ url }) => `caches.open('a').then((cache) => cache.add(${quote(url)}))`),
  script('fetch later', ({ url }) => `fetchLater(${quote(url)}, { activateAfter: 0 })`),
  script('XMLHttpRequest', ({ url }) => `const r = new XMLHttpRequest(); r.open('GET', ${quote(url)}); r.send()`),
  script('a beacon', ({ url }) => `navigator.sendBeacon(${quote(url)}, 'x')`),
  script('a WebSocket', ({ place }) => `new WebSocket('ws://${place}/')`),
  script('a stream over WebSocket', ({ place }) => `new WebSocketStream('ws://${place}/').opened`),
  script('an event stream', ({ url }) => `new EventSource(${quote(url)})`),
  script('a dynamic import', ({ url }) => `import(${quote(url)})`),
  script('an image that a script makes', ({ url }) => `new Image().src = ${quote(url)}`),
  script('a font that a script makes', ({ url }) => `new FontFace('v', 'url(${url})').load()`),
  script('an audio worklet', ({ url }) => `new AudioContext().audioWorklet.addModule(${quote(url)})`),
  script('fetch in a worker', ({ url }) => worker(`fetch(${quote(url)}, { mode: 'no-cors' })`)),
  script('a script in a worker', ({ url }) => worker(`importScripts(${quote(url)})`)),
  script('a WebSocket in a worker', ({ place }) => worker(`new WebSocket('ws://${place}/')`)),
  script('a module in a worker', ({ url }) => `new Worker(${moduleOf(`import ${quote(url)}`)}, { type: 'module' })`),
  script(
    'fetch in a shared worker',
    ({ url }) => `new SharedWorker(${moduleOf(`fetch(${quote(url)}, { mode: 'no-cors' })`)})`,
  ),
  script(
    'fetch in a service worker',
    ({ place }) => `navigator.serviceWorker.register('/service-worker.js?' + ${quote(place)}, { scope: '/nowhere/' })`,
  ),
  script(
    'fetch in a frame that knows no credentials',
    ({ url }) =>
      `const f = document.createElement('iframe'); f.credentialless = true; f.srcdoc = ${quote(`<img src="${url}">`)}; document.documentElement.append(f)`,
  ),
];

export const RESOURCE_ATTEMPTS: readonly PageAttempt[] = [...LOADED, ...ASKED];
