import { describe, expect, it } from 'vitest';

import { findTimezone, listTimezones } from '../identity/index.ts';
import { exitIn, mergePlace, placeOfCountry } from './exit-place.ts';
import { GeoTable } from './geo-table.ts';

const UNSAID = { country: null, timezone: null, locale: null, latitude: null, longitude: null };

describe('the table of addresses', () => {
  it('tells the country of public addresses, and of no others', async () => {
    const table = await GeoTable.open();
    expect(
      ['8.8.8.8', '81.2.69.142', '2a00:1450:4001::1', '91.198.174.192'].map((each) => table.findCountry(each)),
    ).toEqual(['US', 'GB', expect.stringMatching(/^[A-Z]{2}$/), 'NL']);
    for (const none of ['127.0.0.1', '10.1.2.3', '192.168.0.1', '::1', 'fe80::1', 'proxy.example', '', '999.1.1.1']) {
      expect(table.findCountry(none)).toBeUndefined();
    }
  });

  it('says how old it is', async () => {
    const { builtAt } = await GeoTable.open();
    expect(builtAt.getTime()).toBeGreaterThan(Date.UTC(2026, 0, 1));
    expect(builtAt.getTime()).toBeLessThan(Date.now());
  });

  it('that cannot be read is an error', async () => {
    await expect(GeoTable.open('/nowhere.mmdb')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(GeoTable.open(import.meta.filename)).rejects.toThrow();
  });
});

describe('the place of a country', () => {
  it.each([
    { country: 'GB', timezone: 'Europe/London', isTimezoneCertain: true, locale: 'en-GB', latitude: 51.51 },
    { country: 'DE', timezone: 'Europe/Berlin', isTimezoneCertain: true, locale: 'de-DE', latitude: 52.5 },
    { country: 'US', timezone: 'America/New_York', isTimezoneCertain: false, locale: 'en-US', latitude: 40.71 },
    { country: 'IN', timezone: 'Asia/Calcutta', isTimezoneCertain: true, locale: 'en-US', latitude: 22.53 },
    { country: 'RU', timezone: 'Europe/Moscow', isTimezoneCertain: false, locale: 'ru-RU', latitude: 55.76 },
  ])('$country is likely $timezone', ({ country, timezone, isTimezoneCertain, locale, latitude }) => {
    const place = placeOfCountry(country);
    expect(place).toMatchObject({ country, timezone, isTimezoneCertain });
    expect(place.locale?.slice(0, 2)).toBe(locale.slice(0, 2));
    expect(place.latitude).toBeCloseTo(latitude, 0);
  });

  it('is whole for every country that has a time zone', () => {
    const letters = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + index));
    const countries = letters
      .flatMap((first) => letters.map((second) => first + second))
      .filter((code) => listTimezones(code).length > 0);
    expect(countries.length).toBeGreaterThan(200);
    for (const country of countries) {
      const { timezone, locale, latitude, longitude } = placeOfCountry(country);
      expect(timezone === null ? undefined : findTimezone(timezone), country).toBe(timezone);
      expect([country, typeof locale, typeof latitude, typeof longitude]).toEqual([
        country,
        'string',
        'number',
        'number',
      ]);
    }
  });
});

describe('the place of an exit', () => {
  const london = exitIn('GB', '81.2.69.142');
  const newYork = exitIn('US', '8.8.8.8');

  it('is as it was found where its owner says nothing, and unknown where nobody does', () => {
    expect(mergePlace(UNSAID, london)).toEqual(london);
    expect(mergePlace(UNSAID, null)).toBeUndefined();
    expect(mergePlace(UNSAID, exitIn(null, '10.0.0.1'))).toBeUndefined();
  });

  it('is as its owner says, the rest of it to fit', () => {
    expect(mergePlace({ ...UNSAID, country: 'DE' }, london)).toMatchObject({
      address: '81.2.69.142',
      country: 'DE',
      timezone: 'Europe/Berlin',
    });
    const chicago = mergePlace({ ...UNSAID, timezone: 'America/Chicago', locale: 'es-US' }, newYork);
    expect(chicago).toMatchObject({ timezone: 'America/Chicago', isTimezoneCertain: true, locale: 'es-US' });
    expect(chicago?.latitude).toBeCloseTo(41.85, 1);
    const said = mergePlace({ ...UNSAID, country: 'US', latitude: 1, longitude: 2 }, null);
    expect(said).toMatchObject({ address: null, latitude: 1, longitude: 2, isTimezoneCertain: false });
  });
});
