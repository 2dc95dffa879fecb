/** Requests of every kind that a page can cause: whoever rewrites headers forgets some of them. */
async function extraRequests(plan) {
  const address = (kind, path = '/asset') => `${plan.base}${path}?run=${plan.run}&realm=main&kind=${kind}`;
  const add = (tag, attributes) => document.body.append(Object.assign(document.createElement(tag), attributes));
  const unanswered = [];
  const ended = async (name, promise) => {
    const settled = promise.then(
      () => true,
      () => true,
    );
    const isEnded = await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, 5_000, false))]);
    if (!isEnded) unanswered.push(name);
    return isEnded;
  };

  add('img', { src: address('image') });
  add('link', { rel: 'stylesheet', href: address('style') });
  add('link', { rel: 'preload', as: 'fetch', crossOrigin: 'anonymous', href: address('preload') });
  add('link', { rel: 'prefetch', href: address('prefetch') });
  navigator.sendBeacon(address('beacon'), 'x');
  const events = new EventSource(address('events', '/events'));
  const socket = new WebSocket(address('socket', '/socket').replace(/^http/, 'ws'));
  const first = (target, ...names) =>
    new Promise((resolve) => names.forEach((name) => target.addEventListener(name, resolve, { once: true })));
  const request = new XMLHttpRequest();
  request.open('GET', address('xhr'));
  request.send();
  await Promise.all([
    ended('fetch', fetch(address('fetch'))),
    ended('redirect', fetch(address('redirect', '/redirect'))),
    ended(
      'cached',
      fetch(address('cached', '/cached')).then(() => fetch(address('cached', '/cached'), { cache: 'no-cache' })),
    ),
    ended('import', import(address('import', '/module.js'))),
    // One that is closed before it is connected may never ask.
    ended('events', first(events, 'open', 'error')),
    ended('socket', first(socket, 'open', 'error', 'close')),
  ]);
  events.close();
  socket.close();
  const candidates = candidateAddresses(plan.stunUrl);
  const isGathered = await ended('WebRTC', candidates);
  return { candidates: isGathered ? await candidates : 'error: no answer', unanswered };
}
