import { type Fingerprint, OS_FAMILIES } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { testFingerprint } from '../../testing/fingerprints.ts';
import { askPage, expectOneIdentity, wearIdentity } from '../../testing/worn-identity.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

const GEOMETRY = `({
  screen: [screen.width, screen.height],
  available: [screen.availLeft, screen.availTop, screen.availWidth, screen.availHeight],
  outer: [screenX, screenY, outerWidth, outerHeight],
  innerWidth, innerHeight,
  depth: [screen.colorDepth, screen.pixelDepth],
  ratio: devicePixelRatio,
  p3: matchMedia('(color-gamut: p3)').matches,
  touchPoints: navigator.maxTouchPoints,
  finePointer: matchMedia('(pointer: fine)').matches,
  hovers: matchMedia('(hover: hover)').matches,
})`;

function expectedGeometry({ screen, window, hardware, os }: Fingerprint): Record<string, unknown> {
  const isPhone = os === 'android';
  return {
    screen: [screen.width, screen.height],
    available: [screen.availLeft, screen.availTop, screen.availWidth, screen.availHeight],
    outer: [window.x, window.y, window.width, window.height],
    innerWidth: window.width,
    innerHeight: expect.toSatisfy((height: number) =>
      isPhone ? height === window.height : height < window.height && height > window.height - 100,
    ) as unknown,
    depth: [screen.colorDepth, screen.colorDepth],
    ratio: screen.devicePixelRatio,
    p3: screen.colorGamut === 'p3',
    touchPoints: hardware.maxTouchPoints,
    finePointer: !isPhone,
    hovers: !isPhone,
  };
}

describe.each(OS_FAMILIES)('a browser with the identity of %s', (os) => {
  it.each([true, false])('has it in every realm, request and measure (headless: %s)', async (headless) => {
    await using stack = new AsyncDisposableStack();
    const worn = await wearIdentity(stack, { choose: (version) => testFingerprint(os, version), headless });
    await worn.page.navigate({ url: `${worn.site.origin}/popup` }, soon());
    expect(await askPage(worn.page, GEOMETRY)).toEqual(expectedGeometry(worn.fingerprint));
    await expectOneIdentity(worn, worn.fingerprint);
  });
});
