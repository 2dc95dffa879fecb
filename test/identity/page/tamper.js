/**
 * Signs that something native was replaced. Each native that a disguise might touch is put through the same treatments as one
 * that no disguise has a reason to touch (its reference); whatever answers differently is a finding, as a sentence.
 */
function tamperFindings() {
  const isWindow = typeof document !== 'undefined';
  const NavigatorClass = isWindow ? 'Navigator' : 'WorkerNavigator';
  const on = (owner, names) => names.map((name) => [owner, name]);
  const GROUPS = [
    {
      kind: 'get',
      reference: [NavigatorClass, 'onLine'],
      subjects: [
        ...on(NavigatorClass, ['userAgent', 'appVersion', 'platform', 'language', 'languages', 'hardwareConcurrency']),
        ...on(NavigatorClass, ['deviceMemory', 'webdriver', 'vendor', 'maxTouchPoints', 'userAgentData', 'plugins']),
        ...on(NavigatorClass, ['mimeTypes', 'doNotTrack', 'connection', 'permissions', 'mediaDevices', 'storage']),
        ...on('NavigatorUAData', ['brands', 'mobile', 'platform']),
        ...on('Screen', ['width', 'height', 'availWidth', 'availHeight', 'availLeft', 'availTop', 'colorDepth']),
        ...on('ScreenOrientation', ['type', 'angle']),
        ...on('SpeechSynthesisVoice', ['name', 'lang', 'default', 'localService', 'voiceURI']),
        ...on('HTMLIFrameElement', ['contentWindow', 'contentDocument']),
        ...on('MediaQueryList', ['matches']),
      ],
    },
    {
      kind: 'value',
      reference: ['Event', 'composedPath'],
      subjects: [
        ...on('WebGLRenderingContext', ['getParameter', 'getExtension', 'getSupportedExtensions', 'readPixels']),
        ...on('WebGL2RenderingContext', ['getParameter', 'getExtension', 'readPixels']),
        ...on('SpeechSynthesis', ['getVoices', 'speak']),
        ...on('HTMLCanvasElement', ['toDataURL', 'toBlob', 'getContext']),
        ...on('CanvasRenderingContext2D', ['measureText', 'getImageData']),
        ...on('OffscreenCanvas', ['getContext']),
        ...on('OffscreenCanvasRenderingContext2D', ['measureText', 'getImageData']),
        ...on('AudioBuffer', ['getChannelData']),
        ...on('Document', ['createElement']),
        ...on('Node', ['appendChild']),
        ...on('Event', ['preventDefault']),
      ],
    },
    {
      kind: 'language',
      reference: ['Map', 'get'],
      subjects: [
        ...on('Function', ['toString', 'call', 'apply', 'bind']),
        ...on('Date', ['getTimezoneOffset', 'toString', 'toLocaleString']),
        ...on('Object', ['hasOwnProperty', 'toString']),
        ...on('Intl.DateTimeFormat', ['resolvedOptions']),
        ...on('Intl.NumberFormat', ['resolvedOptions']),
      ],
    },
  ];

  const ownText = Function.prototype.toString;
  const classOf = (scope, name) => name.split('.').reduce((owner, key) => owner?.[key], scope);
  const find = (scope, [owner, name], kind) => {
    const descriptor = Object.getOwnPropertyDescriptor(classOf(scope, owner)?.prototype ?? {}, name);
    return descriptor && { descriptor, native: kind === 'get' ? descriptor.get : descriptor.value };
  };

  const failure = (attempt) => {
    try {
      const value = attempt();
      if (value instanceof Promise) value.catch(() => undefined);
      return 'no error';
    } catch (error) {
      const frames = String(error.stack)
        .split('\n')
        .filter((line) => /^\s+at /.test(line));
      // Places in a page's own script differ, what stands before them does not.
      const places = frames.map((line) =>
        line
          .trim()
          .replace(/\(?(https?|blob|data|about):.*$/, '')
          .trim(),
      );
      return `${Object.getPrototypeOf(error) === globalThis[error.name]?.prototype ? '' : 'foreign '}${error.name}: ${error.message} [${places.slice(0, 3).join(' < ')}]`;
    }
  };
  const cyclic = (native) => {
    const before = Object.getPrototypeOf(native);
    const outcome = failure(() => Object.setPrototypeOf(native, Object.create(native)));
    const reflected = Reflect.setPrototypeOf(native, Object.create(native));
    Reflect.setPrototypeOf(native, before);
    return `${outcome} ${reflected}`;
  };
  const TREATMENTS = {
    'its text': ({ native }) => ownText.call(native),
    'its text by itself': ({ native }) => `${native}`,
    'its keys': ({ native }) => Reflect.ownKeys(native).map(String).join(),
    'its name': ({ native }) => JSON.stringify(Object.getOwnPropertyDescriptor(native, 'name')),
    'its prototype': ({ native }) => String(Object.getPrototypeOf(native) === Function.prototype),
    'its descriptor': ({ descriptor }) =>
      [descriptor.writable, descriptor.enumerable, descriptor.configurable, typeof descriptor.set].join(),
    new: ({ native }) => failure(() => new native()),
    extends: ({ native }) => failure(() => class extends native {}),
    instanceof: ({ native }) => failure(() => ({}) instanceof native),
    'a cycle of prototypes': ({ native }) => cyclic(native),
    'text of an heir': ({ native }) => failure(() => Object.create(native).toString()),
    arguments: ({ native }) => failure(() => native.arguments),
    caller: ({ native }) => failure(() => native.caller),
    'own caller': ({ native }) => String(Object.hasOwn(native, 'caller') || Object.hasOwn(native, 'arguments')),
  };
  const CALLS = {
    'a wrong receiver': ({ native }) => failure(() => native.call({})),
    'no receiver': ({ native }) => failure(() => native.call(undefined)),
    'its prototype as receiver': ({ owner, native }) => failure(() => native.call(owner.prototype)),
    'apply without a list': ({ native }) => failure(() => native.apply(null, 1)),
  };

  const found = [];
  const label = ([owner, name], kind) => `${kind === 'get' ? 'get ' : ''}${owner}.prototype.${name}`;
  const neutral = (text, name) => text.replaceAll(name, '·');
  const treat = (subject, treatments, kind) => {
    const { descriptor, native } = find(globalThis, subject, kind);
    const owner = classOf(globalThis, subject[0]);
    const target = { descriptor, native, owner };
    return Object.entries(treatments).map(([name, apply]) => [name, neutral(apply(target), subject[1])]);
  };
  const examine = ({ kind, reference, subjects }) => {
    // The language's own functions fail in words of their own when called on the wrong thing.
    const treatments = kind === 'language' ? TREATMENTS : { ...TREATMENTS, ...CALLS };
    const expected = new Map(treat(reference, treatments, kind));
    for (const subject of subjects) {
      if (find(globalThis, subject, kind) === undefined) continue;
      for (const [name, outcome] of treat(subject, treatments, kind)) {
        if (name === 'its descriptor' && kind === 'get' && outcome.endsWith('function')) continue;
        if (neutral(outcome, reference[1]) !== neutral(expected.get(name), subject[1]))
          found.push(`${label(subject, kind)}: ${name}: ${outcome} in place of ${expected.get(name)}`);
      }
    }
  };
  GROUPS.forEach(examine);

  const own = Reflect.ownKeys(navigator);
  if (own.length > 0) found.push(`navigator has keys of its own: ${own.map(String).join()}`);
  if (!isWindow || !document.documentElement) return found;

  // A frame that was made this moment has natives nobody had time to replace, unless the replacing goes on below the page.
  const frame = document.createElement('iframe');
  document.documentElement.append(frame);
  const fresh = frame.contentWindow;
  // In a sandbox each frame is an origin of its own.
  if (frame.contentDocument === null) {
    frame.remove();
    return found;
  }
  const freshText = fresh.Function.prototype.toString;
  for (const owner of [
    'Navigator',
    'Screen',
    'WebGLRenderingContext',
    'SpeechSynthesis',
    'Function',
    'NavigatorUAData',
  ]) {
    const keys = (scope) =>
      Reflect.ownKeys(scope[owner]?.prototype ?? {})
        .map(String)
        .join();
    if (keys(globalThis) !== keys(fresh)) found.push(`${owner}.prototype has other keys than in a fresh frame`);
  }
  for (const { kind, subjects } of GROUPS) {
    for (const subject of subjects) {
      const [mine, theirs] = [find(globalThis, subject, kind)?.native, find(fresh, subject, kind)?.native];
      const texts = [mine && freshText.call(mine), theirs && freshText.call(theirs), theirs && ownText.call(theirs)];
      if (new Set(texts).size > 1) found.push(`${label(subject, kind)}: reads ${texts.join(' | ')} from a fresh frame`);
    }
  }
  for (const name of [
    'userAgent',
    'platform',
    'language',
    'hardwareConcurrency',
    'deviceMemory',
    'webdriver',
    'vendor',
  ]) {
    const read = Object.getOwnPropertyDescriptor(fresh.Navigator.prototype, name)?.get;
    const [mine, byFresh, inFresh] = [navigator[name], read?.call(navigator), fresh.navigator[name]];
    if (mine !== byFresh || mine !== inFresh)
      found.push(`navigator.${name}: ${mine}, but ${byFresh} by a fresh frame's getter and ${inFresh} in the frame`);
  }
  const detached = fresh.navigator;
  frame.remove();
  if (detached.platform !== navigator.platform)
    found.push(`navigator.platform of a removed frame: ${detached.platform}`);
  return found;
}
