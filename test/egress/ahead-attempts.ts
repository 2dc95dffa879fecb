import { markup, type PageAttempt, quote, script, whenLoaded } from './page-attempt.ts';

const rules = (what: string, url: string): string =>
  `<script type=speculationrules>${JSON.stringify({ [what]: [{ urls: [url], eagerness: 'immediate' }] })}</script>`;

/** What is loaded ahead of a click, after a page is left, or by a way that few know of. */
export const AHEAD_ATTEMPTS: readonly PageAttempt[] = [
  {
    title: 'rules of speculation that a header names',
    html: () => 'x',
    headers: ({ url }) => ({ 'speculation-rules': `"${url}"` }),
    needsTab: true,
  },
  {
    title: 'a prefetch in a header',
    html: () => 'x',
    headers: ({ url }) => ({ link: `<${url}>; rel=prefetch` }),
    needsTab: true,
  },
  {
    title: 'a fetch when the page is left',
    html: ({ url }) =>
      `<script>addEventListener('pagehide', () => fetch(${quote(url)}, { mode: 'no-cors', keepalive: true })); ${whenLoaded("location = '/none'")}</script>`,
    needsTab: true,
  },
  markup('an image of SVG by its old name', ({ url }) => `<svg><image xlink:href="${url}" width=9 height=9 /></svg>`),
  markup('the content of an element', ({ url }) => `<style>p::before{content:url("${url}")}</style><p>x</p>`),
  markup('a border', ({ url }) => `<style>p{border:9px solid;border-image:url("${url}") 9}</style><p>x</p>`),
  markup('an imported style of a layer', ({ url }) => `<style>@import url("${url}") layer(a);</style>`),
  script('a redirect of a module', ({ url }) => `import(${quote(`/redirect?302 ${url}`)})`),
];

/**
 * What this Chromium does not do for a site like ours, allowed or not: over http/1.1, within seconds, or at all. Only that nothing arrives is
 * looked at.
 */
export const IDLE_ATTEMPTS: readonly PageAttempt[] = [
  {
    title: 'a preload and a connection of early hints',
    html: () => 'x',
    hints: ({ url }) => [`<${url}>; rel=preload; as=image`, `<${url}>; rel=preconnect`],
    needsTab: true,
  },
  {
    title: 'another service of the site',
    html: () => `<script>${whenLoaded("fetch('/again')")}</script>`,
    headers: ({ place }) => ({ 'alt-svc': `h2="${place}"; ma=60, h3="${place}"; ma=60` }),
  },
  {
    title: 'a report by the Reporting API',
    html: () => '<img src="data:,">',
    headers: ({ url }) => ({
      'reporting-endpoints': `inside="${url}"`,
      'content-security-policy': "img-src 'none'; report-to inside",
    }),
  },
  {
    title: 'a report of an error of the network',
    html: () => '<img src="http://nowhere.invalid/">',
    headers: ({ url }) => ({
      'report-to': JSON.stringify({ group: 'inside', max_age: 60, endpoints: [{ url }] }),
      nel: JSON.stringify({ report_to: 'inside', max_age: 60, success_fraction: 1, failure_fraction: 1 }),
    }),
  },
  { title: 'a prefetch by rules of speculation', html: ({ url }) => rules('prefetch', url), needsTab: true },
  { title: 'a page shown ahead', html: ({ url }) => rules('prerender', url), needsTab: true },
  { title: 'a page shown ahead, by a link', html: ({ url }) => `<link rel=prerender href="${url}">`, needsTab: true },
  script('a transport', ({ place }) => `new WebTransport('https://${place}/')`),
];
