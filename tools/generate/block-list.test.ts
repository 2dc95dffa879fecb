import { expect, it } from 'vitest';

import { planTables, readHosts } from './block-list.ts';

it('takes rules about a whole host, and no others', () => {
  const rules = [
    '! comment',
    '||plain.example^',
    '||third.example^$third-party',
    '||code.example^$script,third-party,xmlhttprequest',
    '||image.example^$image',
    '||popup.example^$popup',
    '||site.example^$third-party,domain=one.example',
    '||not.example^$~third-party',
    '||path.example/ads/',
    '||wild*.example^',
    'example.org##.ad',
    '/banner.js',
  ];
  expect([...readHosts(rules.join('\n')).blocked]).toEqual(['plain.example', 'third.example', 'code.example']);
});

it('spares what is below a listed host when the lists make an exception for all sites', () => {
  const ads = ['||ads.example^', '@@||ok.ads.example^$script', '@@||some.ads.example^$domain=a.example'];
  const trackers = ['@@||ads.example/needed.js', '@@||hide.ads.example^$generichide', '@@||free.example^'];
  expect(planTables(ads.join('\n'), trackers.join('\n')).spared).toEqual(['ok.ads.example']);
});

it('says nothing twice, and calls a host of both one of ads', () => {
  const tables = planTables(
    '||both.example^\n||ads.example^\n||sub.ads.example^',
    '||both.example^\n||x.tracker.example^',
  );
  expect(tables.ads).toContain('both.example');
  expect(tables.ads).not.toContain('sub.ads.example');
  expect(tables.trackers).toEqual(['x.tracker.example']);
});
