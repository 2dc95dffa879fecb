/**
 * What runs in every realm of the probe: it makes the realms below it, reads its own, and tells the site. `plan` is put in by
 * the site: `{run, realm, children, families, base, sites}`.
 */
async function startRealm(plan) {
  const isWindow = typeof document !== 'undefined';
  const addressOf = (path, child, site = plan.base) =>
    `${site}${path}?run=${plan.run}&realm=${encodeURIComponent(child.realm)}`;
  const scriptOf = (child, site) => addressOf('/realm.js', child, site);

  const tell = (realm, report) =>
    fetch(`${plan.base}/report?run=${plan.run}&realm=${encodeURIComponent(realm)}`, {
      method: 'POST',
      body: JSON.stringify(report),
    }).catch(() => undefined);

  const isKeeping = [];
  const keep = (realm) => void isKeeping.push(realm);

  const makeWorklet = async (child) => {
    const context = new OfflineAudioContext(1, 4_096, 44_100);
    await context.audioWorklet.addModule(addressOf('/worklet.js', child));
    const node = new AudioWorkletNode(context, 'probe');
    node.port.onmessage = ({ data }) => tell(child.realm, { values: data, tampered: [], traces: [] });
    node.connect(context.destination);
    await context.startRendering();
  };

  // All in one corner: a frame out of sight is not laid out, and the click is for the page.
  const show = (frame) => {
    frame.style.cssText = 'position:fixed;right:0;bottom:0;width:60px;height:60px;border:0';
    document.body.append(frame);
    return frame;
  };
  const addFrame = (attributes) => {
    const frame = Object.assign(document.createElement('iframe'), attributes);
    return show(frame);
  };
  const scriptTag = (child) => `<script src="${scriptOf(child)}"></${'script'}>`;
  const html = (child) => `<!doctype html><meta name=viewport content="width=device-width"><body>${scriptTag(child)}`;
  const blobOf = (text, type) => URL.createObjectURL(new Blob([text], { type }));

  const MAKERS = {
    frame: (child) => addFrame({ src: addressOf('/frame', child) }),
    'cross-site frame': (child) =>
      addFrame({ src: addressOf('/frame', child, plan.sites[child.site]), allow: 'ch-ua *' }),
    'sandboxed frame': (child) => {
      const frame = document.createElement('iframe');
      frame.setAttribute('sandbox', 'allow-scripts');
      frame.src = addressOf('/frame', child);
      show(frame);
    },
    'srcdoc frame': (child) => addFrame({ srcdoc: html(child) }),
    'blob frame': (child) => addFrame({ src: blobOf(html(child), 'text/html') }),
    // In the very moment it is there: a disguise that waits for an event comes too late.
    'blank frame': async (child) => {
      const frame = addFrame({});
      const source = await (await fetch(scriptOf(child))).text();
      const second = addFrame({});
      frame.remove();
      second.contentWindow.eval(source);
    },
    'written frame': (child) => {
      const frame = addFrame({});
      frame.contentDocument.open();
      frame.contentDocument.write(html(child));
      frame.contentDocument.close();
    },
    'javascript frame': (child) => addFrame({ src: `javascript:${JSON.stringify(html(child))}` }),
    worker: (child) => keep(new Worker(scriptOf(child))),
    'module worker': (child) => keep(new Worker(scriptOf(child), { type: 'module' })),
    'blob worker': (child) =>
      keep(new Worker(blobOf(`importScripts(${JSON.stringify(scriptOf(child))})`, 'text/javascript'))),
    'data worker': (child) =>
      keep(
        new Worker(`data:text/javascript,${encodeURIComponent(`importScripts(${JSON.stringify(scriptOf(child))})`)}`),
      ),
    'shared worker': (child) => {
      if (typeof SharedWorker === 'undefined') return tell(child.realm, { absent: 'no SharedWorker here' });
      return keep(new SharedWorker(scriptOf(child)));
    },
    'service worker': (child) =>
      navigator.serviceWorker.register(scriptOf(child), { scope: `/frame/${plan.run}` }).then(keep),
    worklet: makeWorklet,
    popup: (child) => keep(open(addressOf('/frame', child), '_blank', 'width=500,height=400')),
    'noopener popup': (child) => void open(addressOf('/frame', child), '_blank', 'noopener'),
  };

  const make = async (child) => {
    try {
      await MAKERS[child.how](child);
    } catch (error) {
      await tell(child.realm, { absent: `${error.name}: ${error.message}` });
    }
  };

  globalThis.keptByProbe = isKeeping;
  if (isWindow && !document.body) await new Promise((resolve) => addEventListener('DOMContentLoaded', resolve));
  const place = plan.realm === 'main' ? await windowPlace() : {};
  const [atOnce, onClick] = [false, true].map((gesture) =>
    plan.children.filter((child) => (child.gesture ?? false) === gesture),
  );
  // A click is good for one window.
  const clicked = [...onClick];
  if (isWindow) addEventListener('click', () => clicked.splice(0, 1).map(make));
  await Promise.all(atOnce.map(make));
  // Where nobody can click, the browser lets any page open windows.
  if (isWindow && location.search.includes('unattended')) await Promise.all(onClick.map(make));
  const values = await realmValues(plan.families);
  const more = isWindow && globalThis.extraRequests !== undefined ? await globalThis.extraRequests(plan) : {};
  const findings = (find) => {
    try {
      return find();
    } catch (error) {
      return [`error: ${error.stack}`];
    }
  };
  await tell(plan.realm, {
    values: { ...values, ...place, ...more },
    tampered: findings(tamperFindings),
    traces: findings(debuggerTraces),
  });
  return isKeeping;
}
