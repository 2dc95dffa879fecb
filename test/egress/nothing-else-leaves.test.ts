import type { CreateSession } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { browserPid } from '../acceptance/cdp-client.ts';
import { listProcessesOf } from '../acceptance/processes.ts';
import { until } from '../acceptance/until.ts';
import { openUnmanaged } from '../identity/unmanaged-browser.ts';
import { type AttackSite, SITE_ADDRESS, startAttackSite } from './attack-site.ts';
import { type Battlefield, openBattlefield, withSession } from './battlefield.ts';
import { type Aim } from './page-attempt.ts';
import { findTraceable, type NetworkCall, traceChromium, type TracedChromium } from './traced-chromium.ts';
import { type Victim, VictimRow } from './victims.ts';

const found = findTraceable();
const why = 'why' in found ? found.why : undefined;
// eslint-disable-next-line no-console -- a proof that was not made is told, and why
if (why !== undefined) console.info(`Browsers are not traced: ${why}`);

const CASES: readonly { readonly title: string; readonly options: CreateSession }[] = [
  { title: 'undisguised', options: { stealthLevel: 'none' } },
  { title: 'basic', options: { stealthLevel: 'basic' } },
  { title: 'advanced', options: { stealthLevel: 'advanced' } },
  { title: 'undisguised, with a window', options: { stealthLevel: 'none', headless: false } },
  { title: 'maximum, with a window', options: { stealthLevel: 'maximum' } },
];

/**
 * Chromium finds out whether there is IPv6, and its own address for WebRTC, by connecting datagram sockets that it sends nothing on: the
 * kernel only chooses a route. What is sent on them would be a datagram here, wherever to.
 */
const ROUTE_PROBES = ['8.8.8.8:53', '[2001:4860:4860::8888]:53', '[2001:4860:4860::8888]:443'];

function isProbe({ call, peer }: NetworkCall): boolean {
  return call === 'udp' || (call === 'connect' && ROUTE_PROBES.includes(peer));
}

/** All that may leave a browser beside its proxy: names, UDP by WebRTC and QUIC, TCP by WebRTC, and what is done ahead of a click. */
const noisyPage = ({ place }: Aim): string => `<!doctype html><title>Noise</title>
  <link rel=dns-prefetch href="//prefetched.invalid"><link rel=preconnect href="https://connected.invalid">
  <a href="http://linked.invalid">x</a><img src="https://${place}/"><img src="http://looked-up.invalid/">
  <script>
    const settle = (promise) => Promise.resolve(promise).catch(() => undefined);
    const call = async (urls) => {
      const peer = new RTCPeerConnection({ iceServers: [{ urls, username: 'a', credential: 'b' }] });
      const gathered = new Promise((resolve) => { peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && resolve(); });
      peer.createDataChannel('a');
      await peer.setLocalDescription(await peer.createOffer());
      await peer.addIceCandidate({ candidate: 'candidate:1 1 udp 2122260223 ${place.replace(':', ' ')} typ host', sdpMid: '0' }).catch(() => undefined);
      await Promise.race([gathered, new Promise((resolve) => setTimeout(resolve, 3000))]);
    };
    const transport = () => new WebTransport('https://${place}/').ready;
    (async () => {
      await Promise.all([
        settle(call(['stun:${place}'])), settle(call(['turn:${place}?transport=udp'])), settle(call(['turn:${place}?transport=tcp'])),
        settle(transport()), settle(fetch('http://fetched.invalid/')),
      ]);
      await fetch('/done');
    })();
  </script>`;

const stack = new AsyncDisposableStack();
let traced: TracedChromium;

async function aimAt(victims: VictimRow, site: AttackSite): Promise<{ victim: Victim; path: string }> {
  const victim = await victims.open();
  const place = `127.0.0.1:${victim.port}`;
  const attempt = { title: 'noise', html: noisyPage };
  return { victim, path: site.add({ attempt, aim: { place, url: `http://${place}/` } }) };
}

const isDone = (site: AttackSite): boolean => site.asked.some((each) => each.endsWith('/done'));

beforeAll(async () => {
  if (!('chromium' in found)) return;
  traced = await traceChromium(stack, found.chromium);
  // For the service and for the browser that is nobody's.
  process.env['CHROMIUM_PATH'] = traced.path;
});
afterAll(() => stack.disposeAsync());

describe.skipIf(why !== undefined)('of a browser, seen by the kernel,', () => {
  it('which nobody holds, names, datagrams and connections leave', async () => {
    await using owned = new AsyncDisposableStack();
    const site = await startAttackSite(owned);
    const { victim, path } = await aimAt(new VictimRow(owned), site);
    await openUnmanaged(owned, `${site.origin}${path}`, true);
    await until('the page is done', () => isDone(site), { timeoutMs: 30_000 });
    const calls = await traced.read();
    expect(calls.some(({ call }) => call === 'udp')).toBe(true);
    expect(calls).toContainEqual({ call: 'datagram', peer: `127.0.0.1:${victim.port}` });
    expect(calls.map(({ peer }) => peer)).toEqual(
      expect.arrayContaining([`127.0.0.1:${victim.port}`, `${SITE_ADDRESS}:${site.port}`]),
    );
    expect(victim.arrived.tcp, 'TCP').toBeGreaterThan(0);
    expect(victim.arrived.udp, 'UDP').toBeGreaterThan(0);
  });

  describe('which is a session’s,', () => {
    let field: Battlefield;
    const results: PromiseSettledResult<{ proxy: string; calls: NetworkCall[]; victim: Victim }>[] = [];
    beforeAll(async () => {
      if (why !== undefined) return;
      field = await openBattlefield(stack, 'held');
      const { api, site, service } = field;
      for (const { options } of CASES) {
        const [result] = await Promise.allSettled([
          withSession(api, options, async ({ id, cdpUrl }) => {
            const { victim, path } = await aimAt(field.victims, site);
            const pid = await browserPid(cdpUrl ?? '');
            const command = listProcessesOf(service.dataDir).find((each) => each.pid === pid)?.command ?? '';
            const before = site.asked.length;
            await api.navigate(id, `${site.origin}${path}`);
            await until('the page is done', () => site.asked.slice(before).some((each) => each.endsWith('/done')), {
              timeoutMs: 30_000,
            });
            const proxy = /--proxy-server=http:\/\/(\S+)/.exec(command)?.[1] ?? '';
            return { proxy, victim };
          }).then(async (seen) => ({ ...seen, calls: await traced.read() })),
        ]);
        results.push(result);
      }
    });

    it.each(CASES)('$title, nothing but connections to its proxy', ({ title }) => {
      const result = results[CASES.findIndex((each) => each.title === title)];
      if (result?.status !== 'fulfilled')
        throw new Error('The session could not be watched', { cause: result?.reason });
      const { proxy, calls, victim } = result.value;
      expect(proxy).toMatch(/^127\.0\.0\.1:28\d{3}$/);
      expect([...new Set(calls.filter((each) => !isProbe(each)).map(({ call, peer }) => `${call} ${peer}`))]).toEqual([
        `connect ${proxy}`,
      ]);
      expect(victim.arrived).toEqual({ tcp: 0, udp: 0 });
    });
  });
});
