import type { CreateSession, Session } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Api } from './api.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { collectScript, identityHeaders, type Observations, PLACES, serveProbe } from './probe.ts';
import { listDisplays, listProcessesOf } from './processes.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
let site: PageServer;

beforeAll(async () => {
  site = await startPageServer(stack);
  serveProbe(site);
  service = await startService(stack);
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());

/** Runs with a session of these options, which is ended afterwards. */
async function withSession<Value>(options: CreateSession, run: (session: Session) => Promise<Value>): Promise<Value> {
  const session = await api.create(options);
  try {
    return await run(session);
  } finally {
    await api.end(session.id);
  }
}

interface Seen {
  readonly places: Observations;
  /** Identity headers of all requests of the session, in order of arrival. */
  readonly headers: readonly (readonly [path: string, headers: Readonly<Record<string, unknown>>])[];
  readonly session: Session;
}

/** What a site sees of a session with these options. */
function look(options: CreateSession): Promise<Seen> {
  return withSession(options, async (session) => {
    const before = site.requests.length;
    await api.navigate(session.id, `${site.origin}/probe`);
    const foreign = site.origin.replace('127.0.0.1', 'localhost');
    const places = (await api.evaluate(session.id, collectScript(foreign))) as Observations;
    const headers = site.requests
      .slice(before)
      .map(({ url, headers: all }) => [url ?? '', identityHeaders(all)] as const);
    return { places, headers, session };
  });
}

/** The identity headers of all requests for each path; a browser asks for its icon when it likes. */
function headersByPath({ headers }: Seen): Partial<Record<string, Readonly<Record<string, unknown>>[]>> {
  const asked = headers.filter(([path]) => path !== '/favicon.ico');
  return Object.fromEntries(
    asked.map(([path]) => [path, asked.filter(([other]) => other === path).map(([, each]) => each)]),
  );
}

const evaluate = (options: CreateSession, code: string): Promise<unknown> =>
  withSession(options, async ({ id }) => {
    await api.navigate(id, `${site.origin}/probe`);
    return api.evaluate(id, code);
  });

describe('the identity a site sees', { tags: 'same-machine' }, () => {
  let basic: Seen;
  let plain: Seen;
  beforeAll(async () => {
    basic = await look({ stealthLevel: 'basic' });
    // A browser with a window and without any of our doing: what this very binary says by itself.
    plain = await look({ stealthLevel: 'none', headless: false });
  });

  it('is the user agent of an ordinary Chromium in every place and in every request, and the one the session tells', () => {
    const { userAgent } = plain.places.window;
    expect(userAgent).toMatch(/^Mozilla\/5\.0 \(X11; Linux x86_64\) .* Chrome\/\d+\.0\.0\.0 Safari\/537\.36$/);
    expect(basic.session.identity?.userAgent).toBe(userAgent);
    for (const place of PLACES) expect([place, basic.places[place].userAgent]).toEqual([place, userAgent]);
    expect(basic.headers.length).toBeGreaterThanOrEqual(PLACES.length);
    for (const [path, headers] of basic.headers) expect([path, headers['user-agent']]).toEqual([path, userAgent]);
  });

  it('has the client hints of an ordinary Chromium, in every place', () => {
    expect(plain.places.window.hints).toMatchObject({ platform: 'Linux', mobile: false });
    for (const place of PLACES) expect([place, basic.places[place].hints]).toEqual([place, plain.places[place].hints]);
  });

  it('has the identity headers of an ordinary Chromium in every request', () => {
    expect(headersByPath(basic)).toEqual(headersByPath(plain));
    // The site has asked for all hints there are, so the comparison covers them.
    expect(headersByPath(plain)['/frame']?.[0]).toHaveProperty('sec-ch-ua-full-version-list');
  });

  it('does not show that the browser is automated or headless', () => {
    for (const place of ['window', 'iframe', 'foreignFrame', 'popup'] as const) {
      expect([place, basic.places[place].webdriver]).toEqual([place, false]);
    }
    expect(JSON.stringify([basic.places, basic.headers])).not.toMatch(/headless/i);
    expect(basic.session.identity?.userAgent).not.toMatch(/headless/i);
  });

  it('is left alone with stealthLevel none: the browser is what it is', async () => {
    const { places, headers, session } = await look({ stealthLevel: 'none' });
    expect(places.window.userAgent).toContain('HeadlessChrome/');
    expect(session.identity?.userAgent).toBe(places.window.userAgent);
    expect(headers[0]?.[1]['user-agent']).toBe(places.window.userAgent);
  });

  let seen: Seen;
  const userAgent = 'Mozilla/5.0 (Special; Guise test) Test/1.0';
  beforeAll(async () => {
    seen = await look({ userAgent });
  });

  it('is the user agent a client asks for, in every place and in every request', () => {
    expect(seen.session.identity?.userAgent).toBe(userAgent);
    for (const place of PLACES) expect([place, seen.places[place].userAgent]).toEqual([place, userAgent]);
    for (const [path, headers] of seen.headers) expect([path, headers['user-agent']]).toEqual([path, userAgent]);
  });

  it('has no client hints that contradict the user agent a client asks for', () => {
    for (const place of PLACES)
      expect([place, JSON.stringify(seen.places[place].hints)]).toEqual([
        place,
        expect.not.stringContaining('Chromium'),
      ]);
    for (const [path, headers] of seen.headers)
      expect([path, headers['sec-ch-ua'] ?? '']).toEqual([path, expect.not.stringContaining('Chromium')]);
  });
});

describe('the locale and time zone', () => {
  it.each([
    ['basic', ['de-DE', 'de'], 'de-DE,de;q=0.9'],
    ['advanced', ['de-DE', 'de', 'en-US', 'en'], 'de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7'],
  ] as const)(
    'are those asked for in every place and in every request, at %s',
    { tags: 'same-machine' },
    async (level, languagesSeen, header) => {
      const options = { stealthLevel: level, locale: 'de-DE', timezone: 'Asia/Tokyo' };
      const { places, headers, session } = await look(options);
      expect(session.identity).toMatchObject({ locale: 'de-DE', timezone: 'Asia/Tokyo' });
      for (const place of PLACES) {
        const { languages, timezone, numberFormat } = places[place];
        expect([place, languages, timezone, numberFormat]).toEqual([place, languagesSeen, 'Asia/Tokyo', '1.234,5']);
      }
      for (const [path, each] of headers) {
        expect([path, each['accept-language']]).toEqual([path, header]);
      }
    },
  );

  it('reach dates too', async () => {
    const code = 'new Date(0).toString() + " | " + new Date(0).toLocaleDateString(undefined, { month: "long" })';
    expect(await evaluate({ locale: 'fr-FR', timezone: 'America/New_York' }, code)).toMatch(
      /^Wed Dec 31 1969 19:00:00 GMT-0500 .*\| décembre$/,
    );
  });
});

describe('the window', () => {
  const sizes = '[innerWidth, innerHeight, devicePixelRatio, outerWidth <= screen.width, outerHeight <= screen.height]';

  it('has the size asked for, with or without a display, warm or cold', async () => {
    expect(await evaluate({ stealthLevel: 'basic' }, sizes)).toEqual([1280, 720, 1, true, true]);
    for (const [width, height] of [
      [800, 600],
      [1024, 333],
      [2500, 1400],
      [500, 900],
    ] as const) {
      for (const headless of [true, false]) {
        for (const stealthLevel of ['basic', 'advanced'] as const) {
          const seen = await evaluate({ headless, stealthLevel, viewport: { width, height } }, sizes);
          const expected = [width, height, stealthLevel === 'basic' ? 1 : expect.any(Number), true, true];
          expect([headless, stealthLevel, seen]).toEqual([headless, stealthLevel, expected]);
        }
      }
    }
  });

  it('is reported as it is where the device has a scale that is no whole number', async () => {
    for (const headless of [true, false]) {
      for (const devicePixelRatio of [1.25, 1.5]) {
        const profile = { os: 'windows', seed: 1, screen: { devicePixelRatio } } as const;
        const { id, identity } = await api.create({ headless, profile });
        const { width, height } = identity?.viewport ?? {};
        expect(await api.evaluate(id, sizes)).toEqual([width, height, devicePixelRatio, true, true]);
        await api.end(id);
      }
      const viewport = { width: 1201, height: 617, deviceScaleFactor: 1.25 };
      const { id, identity } = await api.create({ headless, viewport, stealthLevel: 'none' });
      const { width, height } = identity?.viewport ?? {};
      expect(await api.evaluate(id, sizes)).toEqual([width, height, 1.25, true, true]);
      await api.end(id);
    }
  });

  it('has the scale asked for', async () => {
    for (const headless of [true, false]) {
      const viewport = { width: 600, height: 500, deviceScaleFactor: 2 };
      expect([headless, await evaluate({ headless, viewport }, sizes)]).toEqual([headless, [600, 500, 2, true, true]]);
    }
  });

  it('stands on a virtual display of its own when it is not headless', { tags: 'own-process' }, async () => {
    const [one, other] = [await api.create({ headless: false }), await api.create({ headless: false })];
    expect([one.headless, other.headless]).toEqual([false, false]);
    expect(listDisplays(service.dataDir)).toHaveLength(2);
    const browsers = listProcessesOf(service.dataDir).filter(({ environment }) => environment.includes('\0DISPLAY='));
    const displays = browsers.map(({ environment }) => /\0DISPLAY=(:\d+)/.exec(environment)?.[1]);
    expect(new Set(displays).size).toBe(2);
    expect(await api.evaluate(one.id, 'document.visibilityState')).toBe('visible');
    await Promise.all([api.end(one.id), api.end(other.id)]);
    await until('no display is left', () => listDisplays(service.dataDir).length === 0);
  });
});

describe('the position', () => {
  it('is the one asked for, without a question', { tags: 'same-machine' }, async () => {
    const code = `new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(({ coords }) =>
      resolve([coords.latitude, coords.longitude, coords.accuracy]), (error) => reject(new Error(error.message))))`;
    const geolocation = { latitude: 52.52, longitude: 13.405, accuracy: 10 };
    expect(await evaluate({ geolocation }, code)).toEqual([52.52, 13.405, 10]);
  });
});

describe('the start address', () => {
  it('is where the browser goes by itself, and one that fails does not fail the create', async () => {
    await withSession({ startUrl: `${site.origin}/probe?start` }, ({ id }) =>
      until('the page is there', async () => (await api.evaluate(id, 'document.title')) === 'Probe'),
    );
    await withSession({ startUrl: 'http://no-such-host.invalid/' }, async ({ id }) => {
      expect((await api.get(id)).state).toBe('ACTIVE');
    });
  });

  it('is given up for the one the client asks for next, even for the same one', async () => {
    let answered = 0;
    site.on('/start', (_request, response) => {
      // What comes first never gets an answer.
      if ((answered += 1) % 2 === 0) response.end('<title>Started</title>');
    });
    const url = `${site.origin}/start`;
    await withSession({ startUrl: url }, async ({ id }) => {
      await until('the browser is on its way', () => answered === 1);
      expect((await api.navigate(id, url)).title).toBe('Started');
    });
    await withSession({ startUrl: url }, async ({ id }) => {
      await until('the browser is on its way', () => answered === 3);
      expect((await api.navigate(id, `${site.origin}/probe`)).title).toBe('Probe');
    });
  });
});

describe('a launch flag of the allow-list', () => {
  it('reaches the browser', async () => {
    expect(
      await evaluate(
        { launchArgs: ['--force-prefers-reduced-motion'] },
        'matchMedia("(prefers-reduced-motion)").matches',
      ),
    ).toBe(true);
    expect(await evaluate({}, 'matchMedia("(prefers-reduced-motion)").matches')).toBe(false);
  });
});
