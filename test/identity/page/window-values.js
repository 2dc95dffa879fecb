/** What only a window can say: screen, window, style, devices, voices, plugins. See values.js. */
function windowReaders() {
  const media = (feature, values) => values.filter((value) => matchMedia(`(${feature}: ${value})`).matches).join();

  const screenValues = {
    screenSize: () => [screen.width, screen.height],
    availableScreen: () => [screen.availWidth, screen.availHeight, screen.availLeft, screen.availTop],
    colorDepth: () => [screen.colorDepth, screen.pixelDepth],
    orientation: () => [screen.orientation.type, screen.orientation.angle],
    isExtended: () => screen.isExtended,
    devicePixelRatio: () => devicePixelRatio,
  };

  // The same facts from the side of CSS: what a script finds must be what a style sheet is laid out by.
  const styleValues = {
    cssScreen: () => [
      matchMedia(`(device-width: ${screen.width}px)`).matches,
      matchMedia(`(device-height: ${screen.height}px)`).matches,
      matchMedia(
        `(min-resolution: ${devicePixelRatio - 0.01}dppx) and (max-resolution: ${devicePixelRatio + 0.01}dppx)`,
      ).matches,
    ],
    hover: () => [media('hover', ['none', 'hover']), media('any-hover', ['none', 'hover'])],
    pointer: () => [media('pointer', ['none', 'coarse', 'fine']), media('any-pointer', ['none', 'coarse', 'fine'])],
    colorGamut: () => media('color-gamut', ['srgb', 'p3', 'rec2020']),
    colorScheme: () => media('prefers-color-scheme', ['light', 'dark']),
    preferences: () => [
      media('prefers-reduced-motion', ['reduce', 'no-preference']),
      media('prefers-contrast', ['no-preference', 'more', 'less']),
      media('forced-colors', ['none', 'active']),
      media('inverted-colors', ['none', 'inverted']),
      media('dynamic-range', ['standard', 'high']),
      media('display-mode', ['browser', 'fullscreen', 'standalone']),
    ],
    touchEvents: () => ['ontouchstart' in globalThis, 'TouchEvent' in globalThis],
    scrollbar: () => {
      const box = document.createElement('div');
      box.style.cssText = 'position:absolute;width:100px;height:100px;overflow:scroll';
      document.documentElement.append(box);
      const width = box.offsetWidth - box.clientWidth;
      box.remove();
      return width;
    },
  };

  const speechVoices = async () => {
    if (!('speechSynthesis' in globalThis)) return undefined;
    const list = () =>
      speechSynthesis.getVoices().map((each) => [each.name, each.lang, each.default, each.localService, each.voiceURI]);
    if (list().length > 0) return list();
    await new Promise((resolve) => {
      speechSynthesis.addEventListener('voiceschanged', resolve, { once: true });
      setTimeout(resolve, 700);
    });
    return list();
  };

  const deviceValues = {
    voices: speechVoices,
    mediaDevices: async () => {
      const devices = await navigator.mediaDevices.enumerateDevices();
      return devices.map(({ kind, label }) => `${kind}:${label}`).sort();
    },
    plugins: () => [...navigator.plugins].map(({ name, filename, length }) => [name, filename, length]),
    mimeTypes: () => [...navigator.mimeTypes].map(({ type, suffixes }) => [type, suffixes]),
    chromeObject: () => typeof chrome === 'object' && Object.keys(chrome).sort(),
    notifications: async () => [
      globalThis.Notification?.permission,
      (await navigator.permissions.query({ name: 'notifications' })).state,
    ],
    geolocation: async () => (await navigator.permissions.query({ name: 'geolocation' })).state,
    storageQuota: async () => Math.round(Math.log2((await navigator.storage.estimate()).quota)),
    globalNames: () => Object.keys(globalThis).filter((name) => /^(__|cdc_|\$c|pptr|playwright|puppeteer)/i.test(name)),
  };

  return { ...screenValues, ...styleValues, ...deviceValues };
}

/**
 * Where the window of the main page stands. It has to be asked before popups open: a page behind another one is told by every Chromium
 * that its window is as high as its contents.
 */
async function windowPlace() {
  // A page that has got a new process is told only a little later; until then every Chromium, also one that nobody drives, says that its
  // window is nowhere and 0 by 0, or as high as its contents, which it is on phones.
  const isTold = () => outerHeight > 0 && (outerHeight !== innerHeight || /Android/.test(navigator.userAgent));
  for (let count = 0; count < 200 && !isTold(); count += 1) await new Promise((resolve) => setTimeout(resolve, 25));
  return {
    outerSize: [outerWidth, outerHeight],
    innerSize: [innerWidth, innerHeight],
    windowPosition: [screenX, screenY],
  };
}

/** Addresses that WebRTC would tell a site about, found by gathering candidates against no server and against one. */
async function candidateAddresses(stunUrl) {
  if (typeof RTCPeerConnection === 'undefined') return [];
  const connection = new RTCPeerConnection({ iceServers: [{ urls: stunUrl }] });
  const found = [];
  const gathered = new Promise((resolve) => {
    connection.onicecandidate = ({ candidate }) => {
      if (candidate === null) resolve();
      else found.push(candidate.candidate);
    };
    setTimeout(resolve, 1_500);
  });
  connection.createDataChannel('probe');
  await connection.setLocalDescription(await connection.createOffer());
  await gathered;
  const described = connection.localDescription.sdp.split('\r\n').filter((line) => line.startsWith('a=candidate'));
  connection.close();
  return [...new Set([...found, ...described.map((line) => line.slice(2))])].filter((each) => each !== '');
}
