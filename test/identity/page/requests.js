/** Requests of every kind that a page can cause: whoever rewrites headers forgets some of them. */
async function extraRequests(plan) {
  const address = (kind, path = '/asset') => `${plan.base}${path}?run=${plan.run}&realm=main&kind=${kind}`;
  const add = (tag, attributes) => document.body.append(Object.assign(document.createElement(tag), attributes));
  const ended = (promise) => promise.catch(() => undefined);

  add('img', { src: address('image') });
  add('link', { rel: 'stylesheet', href: address('style') });
  add('link', { rel: 'preload', as: 'fetch', crossOrigin: 'anonymous', href: address('preload') });
  add('link', { rel: 'prefetch', href: address('prefetch') });
  navigator.sendBeacon(address('beacon'), 'x');
  const events = new EventSource(address('events', '/events'));
  const socket = new WebSocket(address('socket', '/socket').replace(/^http/, 'ws'));
  const request = new XMLHttpRequest();
  request.open('GET', address('xhr'));
  request.send();
  await Promise.all([
    ended(fetch(address('fetch'))),
    ended(fetch(address('redirect', '/redirect'))),
    ended(fetch(address('cached', '/cached')).then(() => fetch(address('cached', '/cached'), { cache: 'no-cache' }))),
    ended(import(address('import', '/module.js'))),
  ]);
  events.close();
  socket.close();
  return { candidates: await candidateAddresses(plan.stunUrl) };
}
