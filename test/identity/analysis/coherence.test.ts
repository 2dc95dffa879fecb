import { describe, expect, it } from 'vitest';

import type { RealmValue } from '../probe-run.ts';
import { findIncoherence } from './coherence.ts';
import { sampleResult } from './sample-result.ts';

const gl = (renderer: string): RealmValue => ({ unmaskedVendor: 'Google Inc.', unmaskedRenderer: renderer });

describe('findIncoherence', () => {
  it('has nothing against a device that could exist', () => expect(findIncoherence(sampleResult())).toEqual([]));

  it.each<[string, RealmValue]>([
    ['userAgent', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) HeadlessChrome/156.0.0.0 Safari/537.36'],
    ['userAgent', 'curl/8'],
    ['appVersion', '5.0 (X11)'],
    ['platform', 'Linux x86_64'],
    ['hintPlatform', 'Linux'],
    ['gl', gl('ANGLE (Intel, Mesa Intel(R) UHD Graphics 630, OpenGL 4.6)')],
    ['gl', gl('ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device), SwiftShader driver)')],
    ['gl2', gl('ANGLE (Mesa, llvmpipe (LLVM 15), OpenGL 4.5)')],
    ['canvasGl', 'none'],
    ['fonts', ['Segoe UI', 'Calibri', 'Consolas', 'DejaVu Sans']],
    ['webdriver', true],
    ['chromeObject', false],
    ['globalNames', ['__playwright__binding__']],
    ['brands', [{ brand: 'Chromium', version: '147' }]],
    ['uaFullVersion', '155.0.0.1'],
    ['fullVersionList', [{ brand: 'Chromium', version: '155.0.0.1' }]],
    ['timezoneOffsets', [0, 0]],
    ['language', 'en-US'],
    ['numberLocale', 'fr'],
    ['availableScreen', [1920, 1080, 0, 0]],
    ['availableScreen', [2000, 1032, 0, 0]],
    ['outerSize', [2000, 1032]],
    ['innerSize', [1920, 1032]],
    ['cssScreen', [false, true, true]],
    ['pointer', ['none', 'none']],
    ['hover', ['none', 'none']],
    ['touchEvents', [true, true]],
    ['deviceMemory', 6],
    ['heapLimit', 1_000_000_000],
    ['apis', ['EyeDropper', 'HID']],
    ['apis', ['SharedWorker', 'EyeDropper', 'HID', 'ContactsManager']],
    ['plugins', []],
    ['voices', []],
    ['notifications', ['denied', 'prompt']],
    ['styledFonts', ['Arial']],
    ['candidates', ['candidate:1 1 udp 2113937151 192.168.1.7 52506 typ host']],
    ['candidates', ['candidate:1 1 udp 1 203.0.113.5 52506 typ srflx raddr 10.0.0.3 rport 1']],
    ['unanswered', ['fetch']],
  ])('notices %s when it is %j', (field, value) => {
    const fields = findIncoherence(sampleResult({ main: { [field]: value } })).map((each) => each.field);
    expect(fields).toContain(field === 'styledFonts' ? 'fonts' : field);
  });

  it.each<[string, RealmValue]>([
    ['pointer', ['fine', 'coarse,fine']],
    ['candidates', ['candidate:1 1 udp 2113937151 036b24a9-5bdc-419c-bad1-aecf7207dd8e.local 52506 typ host']],
    ['notifications', ['denied', 'denied']],
  ])('has nothing against %s when it is %j', (field, value) => {
    expect(findIncoherence(sampleResult({ main: { [field]: value } }))).toEqual([]);
  });

  it('has a phone touch and nothing else', () => {
    const fields = findIncoherence(sampleResult({ main: { mobile: true } })).map(({ field }) => field);
    expect(fields).toEqual(expect.arrayContaining(['pointer', 'hover', 'maxTouchPoints', 'scrollbar', 'plugins']));
  });
});
