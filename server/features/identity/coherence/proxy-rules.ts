import { type CoherenceRule, demand } from './coherence-rule.ts';

/** S13: with a proxy, WebRTC finds no other way out. */
export const webrtcRule: CoherenceRule = {
  id: 'S13',
  name: 'webrtc',
  why: 'WebRTC sends by UDP: past a proxy that does not take it, from the address of the host, which a page can read.',
  find: ({ webrtcPolicy }, { proxy }) => {
    // The policy named `default` tells addresses of all networks; the next one only that by which UDP leaves.
    const isSafe = webrtcPolicy === 'disable_non_proxied_udp' || (webrtcPolicy !== 'default' && proxy?.hasUdp === true);
    return demand(proxy === undefined || isSafe, {
      path: '/webrtcPolicy',
      message: `is ${webrtcPolicy}, which leads past the proxy`,
      repair: 'set it to disable_non_proxied_udp',
    });
  },
  mend: (fingerprint) => ({ ...fingerprint, webrtcPolicy: 'disable_non_proxied_udp' }),
};

/** S15: a profile is worn by one session, and has its proxy for itself. Nothing in the fingerprint can mend it. */
export const exclusiveRule: CoherenceRule = {
  id: 'S15',
  name: 'exclusive',
  why: 'One device in two places at once, or two devices with the same address, ties profiles together.',
  find: (_fingerprint, { isLocked, sharesProxy }) => [
    ...demand(isLocked !== true, {
      path: '',
      message: 'another session wears this profile',
      repair: 'end that session, or take the profile over',
    }),
    ...demand(sharesProxy !== true, {
      path: '',
      message: 'another profile leaves by the same proxy',
      repair: 'give this profile a proxy of its own, or allow the proxy to be shared',
    }),
  ],
};
