/**
 * What a realm says about its browser, as a flat record of JSON values. Runs in windows and in workers, as a classic script
 * and inside a module, so it declares one function and touches nothing else.
 *
 * A value that the realm does not have is `undefined` and is left out; one that cannot be read is `error: …`.
 */
function realmValues(families) {
  const isWindow = typeof document !== 'undefined';
  const patience = 4_000;

  const within = (value) =>
    Promise.race([value, new Promise((resolve) => setTimeout(resolve, patience, 'error: no answer'))]);

  const readAll = async (readers) => {
    const entries = await Promise.all(
      Object.entries(readers).map(async ([name, read]) => {
        try {
          return [name, await within(read())];
        } catch (error) {
          return [name, `error: ${error.name}: ${error.message}`];
        }
      }),
    );
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  };

  const JANUARY = new Date(Date.UTC(2026, 0, 15, 12));
  const JULY = new Date(Date.UTC(2026, 6, 15, 12));

  const navigatorValues = () => {
    const simple = {};
    for (const name of [
      ...['userAgent', 'appVersion', 'appName', 'appCodeName', 'product', 'platform', 'language', 'onLine'],
      ...['hardwareConcurrency', 'deviceMemory', 'webdriver', 'vendor', 'vendorSub', 'productSub', 'maxTouchPoints'],
      ...['pdfViewerEnabled', 'doNotTrack', 'cookieEnabled', 'globalPrivacyControl'],
    ]) {
      if (name in navigator) simple[name] = () => navigator[name];
    }
    return { ...simple, languages: () => [...navigator.languages] };
  };

  const hintValues = () => {
    const data = navigator.userAgentData;
    if (data === undefined) return {};
    const NAMES = ['architecture', 'bitness', 'formFactors', 'fullVersionList', 'model', 'platformVersion', 'wow64'];
    const asked = data.getHighEntropyValues([...NAMES, 'uaFullVersion']);
    return {
      brands: () => data.brands,
      mobile: () => data.mobile,
      hintPlatform: () => data.platform,
      hintsAsJson: () => JSON.stringify(data.toJSON()),
      ...Object.fromEntries([...NAMES, 'uaFullVersion'].map((name) => [name, async () => (await asked)[name]])),
    };
  };

  const localeValues = () => ({
    timezone: () => new Intl.DateTimeFormat().resolvedOptions().timeZone,
    timezoneOffsets: () => [JANUARY.getTimezoneOffset(), JULY.getTimezoneOffset()],
    dateText: () => JULY.toString(),
    intlLocale: () => new Intl.DateTimeFormat().resolvedOptions().locale,
    numberLocale: () => new Intl.NumberFormat().resolvedOptions().locale,
    collatorLocale: () => new Intl.Collator().resolvedOptions().locale,
    localDate: () => JULY.toLocaleString(),
    localNumber: () => (1_234_567.891).toLocaleString(),
  });

  const glCanvas = () => (typeof OffscreenCanvas === 'undefined' ? undefined : new OffscreenCanvas(16, 16));
  const describeGl = (gl) => {
    if (!gl) return 'none';
    const unmasked = gl.getExtension('WEBGL_debug_renderer_info');
    return {
      vendor: gl.getParameter(gl.VENDOR),
      renderer: gl.getParameter(gl.RENDERER),
      version: gl.getParameter(gl.VERSION),
      unmaskedVendor: unmasked && gl.getParameter(unmasked.UNMASKED_VENDOR_WEBGL),
      unmaskedRenderer: unmasked && gl.getParameter(unmasked.UNMASKED_RENDERER_WEBGL),
      maxTextureSize: gl.getParameter(gl.MAX_TEXTURE_SIZE),
      maxViewport: [...gl.getParameter(gl.MAX_VIEWPORT_DIMS)],
    };
  };
  const graphicsValues = () => {
    if (glCanvas() === undefined) return {};
    const own = isWindow ? { canvasGl: () => describeGl(document.createElement('canvas').getContext('webgl')) } : {};
    return {
      gl: () => describeGl(glCanvas().getContext('webgl')),
      gl2: () => describeGl(glCanvas().getContext('webgl2')),
      ...own,
      gpuAdapter: async () => ('gpu' in navigator ? Boolean(await navigator.gpu.requestAdapter()) : undefined),
    };
  };

  const GENERIC = ['monospace', 'serif', 'sans-serif'];
  const measuredFonts = (context) => {
    const width = (font) => {
      context.font = `60px ${font}`;
      return context.measureText('mmMwWLliI0O&@ąж').width;
    };
    const bases = GENERIC.map((generic) => width(generic));
    return families.filter((family) =>
      GENERIC.some((generic, index) => width(`"${family}", ${generic}`) !== bases[index]),
    );
  };
  const styledFonts = async () => {
    // A frame that has just come up may not be laid out yet, and then all families are as wide.
    for (let attempt = 0; attempt < 10 && styledNow().length === 0; attempt += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    return styledNow();
  };
  const styledNow = () => {
    const span = document.createElement('span');
    span.textContent = 'mmMwWLliI0O&@ąж';
    span.style.cssText = 'position:absolute;font-size:60px;white-space:nowrap';
    document.documentElement.append(span);
    const width = (font) => {
      span.style.fontFamily = font;
      return span.getBoundingClientRect().width;
    };
    const bases = GENERIC.map((generic) => width(generic));
    const found = families.filter((family) =>
      GENERIC.some((generic, index) => Math.abs(width(`"${family}", ${generic}`) - bases[index]) > 0.01),
    );
    span.remove();
    return found;
  };
  const localFonts = async () => {
    const isThere = (family) =>
      new FontFace('probe', `local("${family}")`).load().then(
        () => true,
        () => false,
      );
    const there = await Promise.all(families.map(isThere));
    return families.filter((_family, index) => there[index]);
  };
  const fontValues = () => ({
    fonts: () => measuredFonts(glCanvas().getContext('2d')),
    localFonts,
    ...(isWindow ? { styledFonts } : {}),
  });

  const APIS = [
    ...[
      'SharedWorker',
      'EyeDropper',
      'HID',
      'Serial',
      'USB',
      'Bluetooth',
      'BarcodeDetector',
      'ContactsManager',
      'NDEFReader',
    ],
    ...[
      'ContentIndex',
      'PaymentRequest',
      'PresentationRequest',
      'DocumentPictureInPicture',
      'showOpenFilePicker',
      'queryLocalFonts',
    ],
    ...[
      'TouchEvent',
      'Notification',
      'SpeechSynthesis',
      'WebTransport',
      'GPU',
      'Sanitizer',
      'Navigator',
      'WorkerNavigator',
      'Summarizer',
    ],
  ];
  const NAVIGATOR_APIS = [
    'share',
    'canShare',
    'contacts',
    'hid',
    'serial',
    'usb',
    'bluetooth',
    'getBattery',
    'vibrate',
    'keyboard',
    'ink',
  ];
  const engineValues = () => ({
    apis: () => APIS.filter((name) => name in globalThis),
    navigatorApis: () => NAVIGATOR_APIS.filter((name) => name in navigator),
    heapLimit: () => performance.memory?.jsHeapSizeLimit,
    evalLength: () => eval.toString().length,
    errorText: () => {
      try {
        return null.property;
      } catch (error) {
        return [error.message, error.stack.split('\n').length > 1, Object.getOwnPropertyNames(error).join()];
      }
    },
    stackLimit: () => Error.stackTraceLimit,
    connectionType: () => navigator.connection && [navigator.connection.type, navigator.connection.saveData],
    isSecure: () => isSecureContext,
    maths: () => [Math.tan(-1e300), Math.sinh(1), Math.expm1(1)].join(),
  });

  // Defined in window-values.js, which workers do not get.
  const windowReaders = isWindow ? globalThis.windowReaders() : {};
  return readAll({
    ...navigatorValues(),
    ...hintValues(),
    ...localeValues(),
    ...graphicsValues(),
    ...fontValues(),
    ...engineValues(),
    ...windowReaders,
  });
}
