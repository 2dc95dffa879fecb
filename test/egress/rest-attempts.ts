import type { CreateSession } from '@guise/contract';

import { expectStatus } from '../acceptance/api.ts';
import { until } from '../acceptance/until.ts';
import type { Driver, DriverAttempt } from './driver-attempt.ts';
import { type Aim, quote } from './page-attempt.ts';

/** Asks for a session that must not come about. */
const refusedCreate = (title: string, options: (aim: Aim) => CreateSession): DriverAttempt => ({
  title,
  ends: 'command',
  run: async ({ api }, aim) => {
    const answer = await api.call('POST', '/api/sessions', options(aim));
    if (answer.status !== 201) throw new Error(answer.text);
    await api.end((answer.json() as { id: string }).id);
  },
});

const flag = (title: string, text: (aim: Aim) => string): DriverAttempt =>
  refusedCreate(`the launch argument ${title}`, (aim) => ({ launchArgs: [text(aim)] }));

const LAUNCH_ARGUMENTS: readonly DriverAttempt[] = [
  flag('--proxy-server', ({ place }) => `--proxy-server=http://${place}`),
  flag('--proxy-server with one dash', ({ place }) => `-proxy-server=http://${place}`),
  flag('--proxy-server in capitals', ({ place }) => `--PROXY-SERVER=http://${place}`),
  flag('--proxy-server after a blank', ({ place }) => ` --proxy-server=http://${place}`),
  flag('--proxy-pac-url', ({ url }) => `--proxy-pac-url=${url}`),
  flag('--proxy-bypass-list', () => '--proxy-bypass-list=*'),
  flag('--no-proxy-server', () => '--no-proxy-server'),
  flag('--host-resolver-rules', ({ place }) => `--host-resolver-rules=MAP * ${place}`),
  flag('--host-rules', ({ place }) => `--host-rules=MAP * ${place}`),
  flag('--enable-quic', () => '--enable-quic'),
  flag('--webrtc-ip-handling-policy', () => '--webrtc-ip-handling-policy=default'),
  flag('--allow-file-access-from-files', () => '--allow-file-access-from-files'),
  flag('--remote-debugging-address', () => '--remote-debugging-address=0.0.0.0'),
  flag('--load-extension', () => '--load-extension=/usr/share'),
  flag('--app', ({ url }) => `--app=${url}`),
  flag('that is an address', ({ url }) => url),
  flag('--', () => '--'),
];

/** Has the session leave through what may not be an upstream, and visits a page that may be visited. */
const upstream = (title: string, proxy: (aim: Aim) => string): DriverAttempt => ({
  title: `an upstream proxy at ${title}`,
  // The refusal names the site that was to be reached through it.
  ends: 'arrival',
  run: async ({ api, session, site }, aim) => {
    const path = `/api/sessions/${session.id}`;
    const changed = await api.call('PATCH', path, { proxy: proxy(aim) });
    expectStatus(changed, 200);
    await api.call('POST', `${path}/navigate`, { url: `${site.origin}/through`, timeoutMs: 2_000 });
    expectStatus(await api.call('PATCH', path, { proxy: null }), 200);
  },
});

const at = (host: string, scheme = 'http'): ((aim: Aim) => string) => {
  return ({ place }) => `${scheme}://${host}:${place.split(':')[1] ?? ''}`;
};
const UPSTREAMS: readonly DriverAttempt[] = [
  upstream('127.0.0.1', at('127.0.0.1')),
  upstream('localhost', at('localhost')),
  upstream('IPv6 loopback', at('[::1]')),
  upstream('mapped IPv6', at('[::ffff:7f00:1]')),
  upstream('decimal IPv4', at('2130706433')),
  upstream('octal IPv4', at('0177.1')),
  upstream('the unspecified address', at('0.0.0.0')),
  upstream('a name of loopback', at('loopback.test')),
  upstream('127.0.0.1, over TLS', at('127.0.0.1', 'https')),
  upstream('127.0.0.1, by SOCKS', at('127.0.0.1', 'socks5')),
  upstream('a name of loopback, by SOCKS', at('loopback.test', 'socks5h')),
];

const navigated = (title: string, url: (aim: Aim, driver: Driver) => string): DriverAttempt => ({
  title,
  ends: 'connection',
  run: (driver, aim) =>
    driver.api.call('POST', `/api/sessions/${driver.session.id}/navigate`, {
      url: url(aim, driver),
      timeoutMs: 5_000,
    }),
});

const ADDRESSES: readonly DriverAttempt[] = [
  navigated('navigate', ({ url }) => url),
  navigated('navigate over https', ({ place }) => `https://${place}/`),
  navigated('navigate to a redirect', ({ url }, { site }) => `${site.origin}/redirect?302 ${url}`),
  navigated('navigate to a document that is no file', ({ url }) => `data:text/html,<img src="${url}">`),
  {
    title: 'execute with a fetch',
    ends: 'connection',
    run: async ({ api, session, site }, { url }) => {
      await api.navigate(session.id, site.origin);
      await api.evaluate(session.id, `fetch(${quote(url)}, { mode: 'no-cors' }).catch(() => {})`);
    },
  },
  {
    title: 'a PDF of a page with an image',
    ends: 'connection',
    run: async ({ api, session }, { url }) => {
      await api.navigate(
        session.id,
        `data:text/html,<style>@media print{p{background:url(${encodeURIComponent(url)})}}</style><p>x</p>`,
      );
      await api.call('POST', `/api/sessions/${session.id}/pdf`, { printBackground: true });
    },
  },
  {
    title: 'a session that starts there',
    ends: 'arrival',
    run: async ({ api }, { url }) => {
      const answer = await api.call('POST', '/api/sessions', { startUrl: url });
      if (answer.status !== 201) return;
      const { id } = answer.json() as { id: string };
      await until('it is there', async () => (await api.evaluate(id, 'location.href')) !== 'about:blank');
      await api.end(id);
    },
  },
];

export const REST_ATTEMPTS: readonly DriverAttempt[] = [...ADDRESSES, ...LAUNCH_ARGUMENTS, ...UPSTREAMS];
