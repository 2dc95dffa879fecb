import { describe, expect, it } from 'vitest';

import { BlockList, lazyBlockList } from './block-list.ts';
import { HostTable } from './host-table.ts';
import { planBlocking } from './plan-blocking.ts';

const table = (...hosts: string[]): HostTable => new HostTable(Buffer.from(hosts.map((host) => `${host}\n`).join('')));
const SMALL = new BlockList({
  ads: table('ads.example', 'both.example'),
  trackers: table('a.b.tracker.example', 'both.example', 'ads.example.tracker.example', 'tracker.ads.example'),
  spared: table('login.ads.example'),
});
const getBundled = lazyBlockList();

describe('a block list', () => {
  it('finds a host and all that is below it', () => {
    expect(SMALL.find('ads.example')).toBe('ads');
    expect(SMALL.find('deep.below.ads.example')).toBe('ads');
    expect(SMALL.find('a.b.tracker.example')).toBe('trackers');
    expect(SMALL.find('ads.example.')).toBe('ads');
  });

  it('leaves alone what is only spelt alike', () => {
    for (const host of ['example', 'badads.example', 'ads.example.org', 'b.tracker.example', 'tracker.example']) {
      expect(SMALL.find(host), host).toBeUndefined();
    }
  });

  it('lets the nearest listed domain decide, and ads where a host is both', () => {
    expect(SMALL.find('tracker.ads.example')).toBe('trackers');
    expect(SMALL.find('both.example')).toBe('ads');
  });

  it('spares what sites need below a listed host', () => {
    expect(SMALL.find('login.ads.example')).toBeUndefined();
    expect(SMALL.find('x.login.ads.example')).toBeUndefined();
  });

  it('takes anything for a host', () => {
    for (const host of ['', '.', '..', 'localhost', '127.0.0.1', '::1', 'x'.repeat(10_000), '\u{1F600}.example']) {
      expect(SMALL.find(host), host).toBeUndefined();
    }
  });
});

describe('the list that comes with Guise', () => {
  it('is read once', () => {
    expect(getBundled()).toBe(getBundled());
  });

  it('tells ads from trackers', () => {
    for (const host of ['ib.adnxs.com', 'securepubads.g.doubleclick.net', 'pagead2.googlesyndication.com']) {
      expect(getBundled().find(host), host).toBe('ads');
    }
    for (const host of [
      'www.googletagmanager.com',
      'www.google-analytics.com',
      'script.hotjar.com',
      'bam.nr-data.net',
    ]) {
      expect(getBundled().find(host), host).toBe('trackers');
    }
  });

  it('leaves what sites are made of alone', () => {
    const hosts = [
      'www.google.com',
      'accounts.google.com',
      'fonts.gstatic.com',
      'ajax.googleapis.com',
      'cdn.jsdelivr.net',
    ];
    const others = ['www.facebook.com', 'connect.facebook.net', 'js.stripe.com', 'www.paypal.com', 'www.recaptcha.net'];
    const more = ['challenges.cloudflare.com', 'cdnjs.cloudflare.com', 'i.ytimg.com', 'github.com', 'www.amazon.com'];
    for (const host of [...hosts, ...others, ...more, 'd1.cloudfront.net', 's3.amazonaws.com', 'foo.co.uk']) {
      expect(getBundled().find(host), host).toBeUndefined();
    }
  });

  it('has tens of thousands of hosts', () => {
    expect(getBundled().size).toBeGreaterThan(50_000);
  });
});

describe('a plan of what is blocked', () => {
  it('does not read the list when no host is to be blocked', () => {
    const plan = planBlocking(['fonts', 'images'], () => expect.unreachable());
    expect(plan).toEqual({ findBlocked: undefined, blockedTypes: ['images', 'fonts'] });
    expect(planBlocking([], () => expect.unreachable())).toEqual({ findBlocked: undefined, blockedTypes: [] });
  });

  it('blocks only the kind of host that was asked for', () => {
    const { findBlocked, blockedTypes } = planBlocking(['ads', 'media'], () => SMALL);
    expect(blockedTypes).toEqual(['media']);
    expect(findBlocked?.('ads.example')).toBe('ads');
    expect(findBlocked?.('a.b.tracker.example')).toBeUndefined();
    expect(planBlocking(['trackers'], () => SMALL).findBlocked?.('ads.example')).toBeUndefined();
  });
});
