import type { Fingerprint } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { testFingerprint } from '../../testing/fingerprints.ts';
import { until } from '../../testing/until.ts';
import { askPage, wearIdentity, type WornIdentity } from '../../testing/worn-identity.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

async function openPage(
  stack: AsyncDisposableStack,
  changes: Partial<Fingerprint> = {},
): Promise<WornIdentity & { readonly fingerprint: Fingerprint }> {
  const choose = (version: string): Fingerprint => ({ ...testFingerprint('windows', version), ...changes });
  const worn = await wearIdentity(stack, { choose });
  await worn.page.navigate({ url: `${worn.site.origin}/popup` }, soon());
  return worn;
}

/** Whether a family is there, as pages find out: text in it is as wide as in none of the generic ones. */
const FIND_FONTS = (names: readonly string[]): string => `(() => {
  const context = document.createElement('canvas').getContext('2d');
  const widthIn = (font) => { context.font = '40px ' + font; return context.measureText('mmMwWLliI0O&1').width; };
  const generic = ['monospace', 'serif', 'sans-serif'].map((name) => [name, widthIn(name)]);
  return ${JSON.stringify(names)}.filter((name) => generic.some(([base, width]) => widthIn('"' + name + '",' + base) !== width));
})()`;

const LOAD_LOCAL = (names: readonly string[]): string => `Promise.all(${JSON.stringify(names)}.map(async (name) => {
  const face = new FontFace('probe', 'local("' + name + '")');
  return face.load().then(() => [name], () => []);
})).then((found) => found.flat())`;

describe('what an identity changes', () => {
  it('looks native to a page that looks closely, also at what a window beside it has', async () => {
    await using stack = new AsyncDisposableStack();
    const { page } = await openPage(stack);
    const code = `(async () => {
      const frame = document.body.appendChild(document.createElement('iframe')).contentWindow;
      const opened = window.open('/popup');
      await new Promise((resolve) => { opened.onload = resolve; });
      const touched = (realm) => [
        realm.WebGLRenderingContext.prototype.getParameter,
        realm.WebGL2RenderingContext.prototype.getParameter,
        realm.SpeechSynthesis.prototype.getVoices,
        realm.Navigator.prototype.share,
        realm.Function.prototype.toString,
        Object.getOwnPropertyDescriptor(realm.Navigator.prototype, 'platform').get,
        Object.getOwnPropertyDescriptor(realm.SpeechSynthesisVoice.prototype, 'name').get,
        Object.getOwnPropertyDescriptor(realm.SpeechSynthesisUtterance.prototype, 'voice').set,
      ];
      const realms = [window, frame, opened];
      const texts = realms.flatMap((by) => realms.flatMap((of) => touched(of).map((each) => by.Function.prototype.toString.call(each))));
      const caught = (run) => { try { run(); return 'nothing'; } catch (error) { return error.name + ': ' + error.message + error.stack; } };
      const { getParameter } = WebGLRenderingContext.prototype;
      const errors = [
        caught(() => getParameter.call({}, 1)),
        caught(() => new getParameter()),
        caught(() => class extends getParameter {}),
        caught(() => Object.setPrototypeOf(getParameter, Object.create(getParameter))),
        caught(() => Function.prototype.toString.call({})),
        caught(() => Object.getOwnPropertyDescriptor(SpeechSynthesisVoice.prototype, 'name').get.call({})),
      ];
      const shape = [Object.getOwnPropertyNames(getParameter).sort(), getParameter.name, getParameter.length, 'prototype' in getParameter];
      return { texts: [...new Set(texts)].sort(), errors, shape };
    })()`;
    const seen = (await askPage(page, code)) as { texts: string[]; errors: string[]; shape: unknown };
    const names = ['get name', 'get platform', 'getParameter', 'getVoices', 'set voice', 'share', 'toString'];
    expect(seen.texts).toEqual(names.map((name) => `function ${name}() { [native code] }`));
    expect(seen.shape).toEqual([['length', 'name'], 'getParameter', 1, false]);
    expect(seen.errors.map((text) => text.slice(0, text.indexOf('\n')))).toEqual([
      'TypeError: Illegal invocationTypeError: Illegal invocation',
      ...[
        'getParameter is not a constructor',
        'Class extends value function getParameter() { [native code] } is not a constructor or null',
        'Cyclic __proto__ value',
        "Function.prototype.toString requires that 'this' be a Function",
        'Illegal invocation',
      ].map((message) => `TypeError: ${message}TypeError: ${message}`),
    ]);
    expect(seen.errors.join('\n')).not.toMatch(/a[0-9a-f]{18}\.js|Proxy|Reflect\.apply/);
  });

  it('cannot be crashed by sharing, which on Linux has no dialog to show', async () => {
    await using stack = new AsyncDisposableStack();
    const { page } = await openPage(stack);
    const share = (data: string): Promise<unknown> =>
      askPage(page, `navigator.share(${data}).then(() => 'shared', ({ name }) => name)`);
    expect(await askPage(page, 'navigator.canShare({ text: "x" })')).toBe(true);
    expect(await share('{ text: "x" }')).toBe('AbortError');
    expect(await share('{}')).toBe('TypeError');
    // Data that is worth nothing when it is checked, and something when it is shared.
    const shifty =
      '(() => { let reads = 0; return { get text() { reads += 1; return reads > 1 ? "x" : undefined; } }; })()';
    expect(await share(shifty)).toBe('TypeError');
    const fromFrame = `(() => {
      const frame = document.body.appendChild(document.createElement('iframe'));
      return frame.contentWindow.navigator.share({ text: 'x' }).then(() => 'shared', ({ name }) => name);
    })()`;
    expect(await askPage(page, fromFrame)).toMatch(/^(Abort|NotAllowed)Error$/);
    expect(await askPage(page, '1 + 1')).toBe(2);
  });

  it('is in force in a window at once, before its opener can look into it', async () => {
    await using stack = new AsyncDisposableStack();
    const { page, fingerprint } = await openPage(stack);
    const code = `(() => {
      const { navigator } = window.open('about:blank');
      return [navigator.platform, navigator.userAgent, navigator.hardwareConcurrency];
    })()`;
    const { navigatorPlatform, userAgent, hardware } = fingerprint;
    expect(await askPage(page, code)).toEqual([navigatorPlatform, userAgent, hardware.cpuCores]);
  });

  it('lasts in the window of a frame that is gone', async () => {
    await using stack = new AsyncDisposableStack();
    const { page, fingerprint } = await openPage(stack);
    const code = `(() => {
      const frame = document.body.appendChild(document.createElement('iframe'));
      const { navigator } = frame.contentWindow;
      frame.remove();
      return navigator.platform;
    })()`;
    expect(await askPage(page, code)).toBe(fingerprint.navigatorPlatform);
  });

  it('leaves a window that another opens all that Chrome gives to it', async () => {
    await using stack = new AsyncDisposableStack();
    const { page, site } = await openPage(stack);
    site.clear();
    const look = 'Object.keys(opened.chrome).sort()';
    expect(await askPage(page, `globalThis.opened = window.open('/popup'), ${look}`)).toContain('app');
    await until(() => site.reports.has('popup'), { what: 'the window has its document' });
    expect(await askPage(page, look)).toEqual(['app', 'csi', 'loadTimes']);
    const isSame =
      '[opened, window].map((realm) => JSON.stringify([realm.chrome.app, Object.getOwnPropertyDescriptor(realm.chrome, "app"), realm.chrome.app instanceof realm.Object]))';
    const [there, here] = (await askPage(page, isSame)) as string[];
    expect(there).toBe(here);
  });

  it('gives voices that an utterance takes, and takes nothing else', async () => {
    await using stack = new AsyncDisposableStack();
    const { page, fingerprint } = await openPage(stack);
    const code = `(() => {
      const voices = speechSynthesis.getVoices();
      const utterance = new SpeechSynthesisUtterance('x');
      utterance.voice = voices[1];
      let refused = false;
      try { utterance.voice = {}; } catch { refused = true; }
      return { voices: voices.map((each) => [each.name, each.lang, each.default, each.localService]), chosen: utterance.voice.name, refused };
    })()`;
    expect(await askPage(page, code)).toEqual({
      voices: fingerprint.voices.map(({ name, lang, isDefault, isLocal }) => [name, lang, isDefault, isLocal]),
      chosen: fingerprint.voices[1]?.name,
      refused: true,
    });
  });
});

describe('the preferences of an identity', () => {
  it('reach the page: colours, tracking, position, devices', async () => {
    await using stack = new AsyncDisposableStack();
    const { page, site } = await openPage(stack, {
      colorScheme: 'dark',
      doNotTrack: true,
      geolocation: { mode: 'allow', latitude: 48.1, longitude: 11.5, accuracy: 30 },
    });
    const code = `(async () => ({
      dark: matchMedia('(prefers-color-scheme: dark)').matches,
      doNotTrack: navigator.doNotTrack,
      permission: (await navigator.permissions.query({ name: 'geolocation' })).state,
      position: await new Promise((resolve) => navigator.geolocation.getCurrentPosition(
        ({ coords }) => resolve([coords.latitude, coords.longitude, coords.accuracy]), ({ message }) => resolve(message))),
      devices: (await navigator.mediaDevices.enumerateDevices()).map(({ kind, label }) => kind + label),
    }))()`;
    expect(await askPage(page, code)).toEqual({
      dark: true,
      doNotTrack: '1',
      permission: 'granted',
      position: [48.1, 11.5, 30],
      devices: ['audioinput', 'videoinput', 'audiooutput'],
    });
    expect(site.requests.at(-1)?.headers['dnt']).toBe('1');
  });

  it.each([
    [{ audioInputs: 1, videoInputs: 1, audioOutputs: 1 }, ['audioinput', 'videoinput', 'audiooutput']],
    [{ audioInputs: 1, videoInputs: 0, audioOutputs: 1 }, ['audioinput', 'audiooutput']],
  ])('name the devices that there are: %j', async (media, kinds) => {
    await using stack = new AsyncDisposableStack();
    const { page } = await openPage(stack, { media });
    const code = 'navigator.mediaDevices.enumerateDevices().then((all) => all.map(({ kind }) => kind))';
    expect(await askPage(page, code)).toEqual(kinds);
  });

  it('leave a phone without the plugins of a desktop', async () => {
    await using stack = new AsyncDisposableStack();
    const { page } = await wearIdentity(stack, { choose: (version) => testFingerprint('android', version) });
    const code = '[navigator.plugins.length, navigator.mimeTypes.length, navigator.pdfViewerEnabled]';
    expect(await askPage(page, code)).toEqual([0, 0, false]);
  });

  it('keep a page from asking where it is', async () => {
    await using stack = new AsyncDisposableStack();
    const { page } = await openPage(stack, { geolocation: { mode: 'block' }, doNotTrack: false });
    const code =
      "navigator.permissions.query({ name: 'geolocation' }).then(({ state }) => [state, navigator.doNotTrack])";
    expect(await askPage(page, code)).toEqual(['denied', null]);
  });
});

describe('the fonts of an identity', () => {
  it('are there by the names of its system, and none of the machine', async () => {
    await using stack = new AsyncDisposableStack();
    const { page, fingerprint } = await openPage(stack);
    const absent = ['Georgia', 'DejaVu Sans', 'Liberation Sans', 'Noto Sans', 'Arimo', 'Carlito', 'Helvetica Neue'];
    // An emoji font has none of the letters that are measured.
    const present = fingerprint.fonts.filter((name) => !name.includes('Emoji'));
    expect(await askPage(page, FIND_FONTS([...present, ...absent]))).toEqual(present);
    const local = ['Segoe UI', 'Segoe UI Bold', 'CourierNew', ...absent];
    expect(await askPage(page, LOAD_LOCAL(local))).toEqual(['Segoe UI', 'Segoe UI Bold', 'CourierNew']);
  });

  it('have the characters of other scripts', async () => {
    await using stack = new AsyncDisposableStack();
    const { page } = await openPage(stack);
    // A character that no font has is drawn as a box, the same one for all of them.
    const code = `(() => {
      const canvas = document.createElement('canvas');
      const draw = (text) => {
        const context = canvas.getContext('2d');
        context.clearRect(0, 0, 100, 100);
        context.font = '40px Arial';
        context.fillText(text, 10, 60);
        return canvas.toDataURL();
      };
      const box = draw('\\u{e123}');
      return ['\\u4e2d', '\\u3042', '\\uac00', '\\u05d0', '\\u0905', '\\u{1f600}'].filter((text) => draw(text) === box);
    })()`;
    expect(await askPage(page, code)).toEqual([]);
  });
});
