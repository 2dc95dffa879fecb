import { type DeviceClass, Fingerprint, type FingerprintConstraints, GPU_MAKERS, OS_FAMILIES } from '@guise/contract';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { compileCheck } from '../../http/validation.ts';
import { AppError } from '../../lib/app-error.ts';
import { findFaults } from './coherence/find-faults.ts';
import { listCountries } from './countries.ts';
import { listDevices } from './device-population.ts';
import { generateFingerprint } from './generate-fingerprint.ts';
import { gpuMakerOf } from './gpu-names.ts';

const context = { browserVersion: '156.0.8078.79' };
const checkSchema = compileCheck(Fingerprint);

function generateMany(constraints: FingerprintConstraints, count: number): Fingerprint[] {
  return Array.from({ length: count }, (_, seed) => generateFingerprint({ ...constraints, seed }, context));
}

/** The field a refusal names. */
function refusedField(constraints: FingerprintConstraints): string | undefined {
  try {
    generateFingerprint(constraints, context);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe('VALIDATION_FAILED');
    return (error as AppError).extensions.errors?.[0]?.path;
  }
  return undefined;
}

describe('generated fingerprints', () => {
  it.each(OS_FAMILIES)('of %s are coherent and as the schema has them, a hundred times', (os) => {
    for (const fingerprint of generateMany({ os }, 100)) {
      expect(findFaults(fingerprint, context)).toEqual([]);
      checkSchema(fingerprint);
      expect(fingerprint.os).toBe(os);
    }
  });

  it('are the same for the same seed, and others for others', () => {
    const once = generateMany({}, 60).map((each) => JSON.stringify(each));
    expect(generateMany({}, 60).map((each) => JSON.stringify(each))).toEqual(once);
    expect(new Set(once).size).toBe(60);
  });

  it('are others each time without a seed', () => {
    const seeds = [1, 2, 3, 4].map(() => generateFingerprint({}, context).seed);
    expect(new Set(seeds).size).toBe(4);
  });

  it('come out of their own seed again', () => {
    const drawn = generateFingerprint({ os: 'macos', locale: 'fr-FR' }, context);
    expect(generateFingerprint({ os: 'macos', locale: 'fr-FR', seed: drawn.seed }, context)).toEqual(drawn);
  });

  it('keep the device when only the region is another', () => {
    const { screen, gpu, hardware, fonts, window } = generateFingerprint(
      { seed: 3, os: 'windows', country: 'DE' },
      context,
    );
    expect(generateFingerprint({ seed: 3, os: 'windows', country: 'BR' }, context)).toMatchObject({
      screen,
      gpu,
      hardware,
      fonts,
      window,
    });
  });

  it.each(OS_FAMILIES)('of %s are as different as devices are', (os) => {
    const many = generateMany({ os }, 300);
    const kinds = (of: (fingerprint: Fingerprint) => unknown): number =>
      new Set(many.map((each) => JSON.stringify(of(each)))).size;
    expect(kinds(({ gpu }) => gpu)).toBeGreaterThan(8);
    expect(kinds(({ screen }) => [screen.width, screen.height, screen.devicePixelRatio])).toBeGreaterThan(6);
    expect(kinds(({ hardware }) => hardware)).toBeGreaterThan(2);
    expect(kinds(({ fonts }) => fonts)).toBeGreaterThan(2);
    expect(kinds(({ timezone }) => timezone)).toBeGreaterThan(15);
    expect(kinds(({ locale }) => locale)).toBeGreaterThan(15);
    expect(kinds((each) => ({ ...each, seed: 0 }))).toBeGreaterThan(290);
  });

  it('are as often of a kind as devices are', () => {
    const many = generateMany({}, 700);
    const share = (is: (fingerprint: Fingerprint) => boolean): number => many.filter(is).length / many.length;
    expect(share(({ os }) => os === 'windows')).toBeCloseTo(0.6, 1);
    expect(share(({ os }) => os === 'linux')).toBeCloseTo(0.05, 1);
    const windows = listDevices('windows');
    const weight = (devices: readonly { readonly weight: number }[]): number =>
      devices.reduce((sum, device) => sum + device.weight, 0);
    const ofIntel = weight(windows.filter(({ gpu }) => gpu.maker === 'intel')) / weight(windows);
    const drawn = many.filter(({ os }) => os === 'windows');
    const isIntel = drawn.filter(({ gpu }) => gpuMakerOf(gpu.renderer) === 'intel').length / drawn.length;
    expect(Math.abs(isIntel - ofIntel)).toBeLessThan(0.08);
  });
});

describe('the window of a generated device', () => {
  it.each(['windows', 'linux'] as const)('of %s ends on whole pixels, where the browser would round it', (os) => {
    const all = Array.from({ length: 400 }, (_, seed) => generateFingerprint({ os, seed }, context));
    const small = all.filter(
      ({ screen, window }) =>
        !Number.isInteger(screen.devicePixelRatio) &&
        window.width < screen.availWidth - 8 &&
        window.height < screen.availHeight - 8,
    );
    expect(small.length).toBeGreaterThan(5);
    for (const { screen, window } of small) {
      const edges = [window.width, window.height, window.x, window.y].map((each) => each * screen.devicePixelRatio);
      expect(edges.filter((edge) => !Number.isInteger(edge))).toEqual([]);
    }
  });
});

describe('the media devices of a generated device', () => {
  it.each(OS_FAMILIES)('of %s can be worn: there is no browser without a microphone', (os) => {
    const all = Array.from({ length: 60 }, (_, seed) => generateFingerprint({ os, seed }, context).media);
    expect(all.filter(({ audioInputs }) => audioInputs === 0)).toEqual([]);
  });
});

describe('devices in the tables', () => {
  it.each(OS_FAMILIES)('of %s are coherent, every one', (os) => {
    const base = generateFingerprint({ os, seed: 1, locale: 'en-US' }, context);
    for (const device of listDevices(os)) {
      const { screen, gpu, cpuCores, memoryGb, maxTouchPoints, architecture, model } = device;
      const [audioInputs, videoInputs, audioOutputs] = device.media;
      const { osVersion, platformVersion } = device.os;
      const worn: Fingerprint = {
        ...base,
        osVersion,
        screen,
        gpu: { vendor: gpu.vendor, renderer: gpu.renderer },
        hardware: { cpuCores, memoryGb, maxTouchPoints },
        media: { audioInputs, videoInputs, audioOutputs },
        window: { x: screen.availLeft, y: screen.availTop, width: screen.availWidth, height: screen.availHeight },
        clientHints: { ...base.clientHints, platformVersion, architecture, model },
      };
      // Fonts follow the version of the system, which is another here.
      expect(findFaults(worn, context).filter(({ rule }) => rule !== 'S11')).toEqual([]);
      expect(gpuMakerOf(gpu.renderer)).toBe(gpu.maker);
    }
  });
});

describe('constraints', () => {
  it('on browser, device and version are kept', () => {
    const generate = (constraints: FingerprintConstraints): Fingerprint =>
      generateFingerprint({ seed: 9, ...constraints }, context);
    expect(generate({ browser: 'chromium' }).browser.brand).toBe('Chromium');
    expect(generate({ browser: 'chrome' }).browser).toEqual({ brand: 'Google Chrome', version: '156.0.8078.79' });
    expect(generate({ device: 'mobile' }).os).toBe('android');
    expect(generate({ device: 'desktop' }).clientHints.formFactors).toEqual(['Desktop']);
    expect(generate({ os: 'windows', osVersion: '10' }).clientHints.platformVersion).toBe('10.0.0');
    expect(generate({ os: 'macos', osVersion: '15' }).osVersion).toMatch(/^15\./);
    expect(generate({ os: 'android', osVersion: '14' }).clientHints.platformVersion).toBe('14.0.0');
    for (const gpu of GPU_MAKERS) expect(gpuMakerOf(generate({ gpu }).gpu.renderer)).toBe(gpu);
  });

  it('on the screen are kept', () => {
    for (const fingerprint of generateMany(
      { os: 'windows', screen: { minWidth: 1900, maxWidth: 2000, minHeight: 1080 } },
      40,
    )) {
      expect(fingerprint.screen.width).toBeGreaterThanOrEqual(1900);
      expect(fingerprint.screen.width).toBeLessThanOrEqual(2000);
      expect(fingerprint.screen.height).toBeGreaterThanOrEqual(1080);
    }
  });

  it('on the region bring what belongs to it', () => {
    const region = (constraints: FingerprintConstraints): Pick<Fingerprint, 'locale' | 'languages' | 'timezone'> => {
      const { locale, languages, timezone } = generateFingerprint({ seed: 4, ...constraints }, context);
      return { locale, languages, timezone };
    };
    expect(region({ locale: 'de-DE' })).toEqual({
      locale: 'de-DE',
      languages: ['de-DE', 'de', 'en-US', 'en'],
      timezone: 'Europe/Berlin',
    });
    expect(region({ country: 'JP' })).toEqual({
      locale: 'ja',
      languages: ['ja', 'en-US', 'en'],
      timezone: 'Asia/Tokyo',
    });
    expect(region({ timezone: 'europe/paris' })).toMatchObject({ locale: 'fr-FR', timezone: 'Europe/Paris' });
    expect(region({ timezone: 'Asia/Kolkata' }).timezone).toBe('Asia/Calcutta');
    expect(region({ locale: 'en-US', timezone: 'Asia/Tokyo' })).toMatchObject({
      locale: 'en-US',
      timezone: 'Asia/Tokyo',
    });
    expect(region({ locale: 'de-DE', country: 'US' }).timezone).toMatch(/^America\//);
    expect(region({ locale: 'es-419' }).timezone).toMatch(/^America\//);
    expect(region({ country: 'IS' })).toMatchObject({ locale: 'en-US', timezone: 'Atlantic/Reykjavik' });
    expect(region({ timezone: 'UTC', locale: 'en-GB' })).toMatchObject({ locale: 'en-GB', timezone: 'UTC' });
  });

  it('on the country suit a proxy that leaves there, in every country', () => {
    for (const { code } of listCountries()) {
      for (const fingerprint of generateMany({ country: code }, 5)) {
        expect(findFaults(fingerprint, { ...context, proxy: { country: code, hasUdp: false } })).toEqual([]);
      }
    }
  });

  it.each([
    ['/gpu', { os: 'windows', gpu: 'apple' }],
    ['/gpu', { device: 'mobile', gpu: 'nvidia' }],
    ['/device', { os: 'macos', device: 'mobile' satisfies DeviceClass }],
    ['/osVersion', { os: 'windows', osVersion: '8' }],
    ['/osVersion', { os: 'linux', osVersion: '15' }],
    ['/screen/minWidth', { os: 'android', screen: { minWidth: 1920 } }],
    ['/screen/maxHeight', { os: 'macos', screen: { maxHeight: 600 } }],
    ['/screen/maxWidth', { screen: { minWidth: 3000, maxWidth: 2000 } }],
    ['/locale', { locale: 'cy-GB' }],
    ['/locale', { locale: 'xx-xx-xx' }],
    ['/country', { country: 'XX' }],
    ['/timezone', { timezone: 'Mars/Olympus' }],
    ['/timezone', { timezone: '+05:30' }],
    ['/timezone', { country: 'US', timezone: 'Europe/Berlin' }],
  ] satisfies readonly (readonly [string, FingerprintConstraints])[])(
    'that nothing fits are refused by name: %s of %o',
    (path, constraints) => {
      expect(refusedField(constraints)).toBe(path);
    },
  );

  it('are kept, or refused by name, whatever they are', () => {
    const size = fc.integer({ min: 300, max: 4_000 });
    const any = fc.record(
      {
        os: fc.constantFrom(...OS_FAMILIES),
        device: fc.constantFrom('desktop' as const, 'mobile' as const),
        browser: fc.constantFrom('chrome' as const, 'chromium' as const),
        gpu: fc.constantFrom(...GPU_MAKERS),
        osVersion: fc.constantFrom('10', '11', '14', '15', '26'),
        locale: fc.constantFrom('de-DE', 'en-GB', 'ja', 'pt-BR', 'es-419', 'sw'),
        country: fc.constantFrom('DE', 'GB', 'JP', 'BR', 'MX', 'IS', 'KE'),
        screen: fc.record({ minWidth: size, maxHeight: size }, { requiredKeys: [] }),
        seed: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      },
      { requiredKeys: ['seed'] },
    );
    fc.assert(
      fc.property(any, (constraints) => {
        const refused = refusedField(constraints);
        if (refused !== undefined) {
          expect(['/device', '/osVersion', '/gpu', '/screen/minWidth', '/screen/maxHeight']).toContain(refused);
          return;
        }
        const made = generateFingerprint(constraints, context);
        expect(findFaults(made, context)).toEqual([]);
        checkSchema(made);
        expect(made).toMatchObject({ seed: constraints.seed, ...('os' in constraints ? { os: constraints.os } : {}) });
        if (constraints.gpu !== undefined) expect(gpuMakerOf(made.gpu.renderer)).toBe(constraints.gpu);
        if (constraints.locale !== undefined) expect(made.locale).toBe(constraints.locale);
      }),
      { numRuns: 150 },
    );
  });
});

describe('on a host that cannot tell more than it has', () => {
  it('fingerprints ask for no more', () => {
    for (const [cpuCores, memoryGb, told] of [
      [2, 3.8, 4],
      [4, 7.7, 8],
      [6, 15.5, 16],
      [64, 250, 32],
      [1, 1, 2],
    ] as const) {
      const host = { cpuCores, memoryGb };
      for (const os of OS_FAMILIES) {
        for (let seed = 0; seed < 10; seed += 1) {
          const made = generateFingerprint({ os, seed }, { ...context, host });
          expect(made.hardware.cpuCores).toBeLessThanOrEqual(Math.max(cpuCores, 2));
          expect(made.hardware.memoryGb).toBeLessThanOrEqual(told);
          expect(findFaults(made, { ...context, host })).toEqual([]);
        }
      }
    }
  });

  it('computers have the memory of the host', () => {
    for (let seed = 0; seed < 30; seed += 1) {
      const { hardware } = generateFingerprint(
        { os: 'windows', seed },
        { ...context, host: { cpuCores: 8, memoryGb: 16 } },
      );
      expect(hardware.memoryGb).toBe(16);
    }
  });
});
