import { Fingerprint, OS_FAMILIES } from '@guise/contract';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';

import { testFingerprint } from '../../../testing/fingerprints.ts';
import { compileIdentity, type IdentityHost, makeScriptTokens } from './compile-identity.ts';

const VERSION = '156.0.8078.79';
const HOST: IdentityHost = { fontsDir: '/fonts', hardwareHelper: '/helper.so', hasLlvmpipe: true };
const TOKENS = { eventName: 'event', scriptName: 'script.js' };

const compile = (fingerprint: Fingerprint, host: IdentityHost = HOST, headless = true) =>
  compileIdentity(fingerprint, { headless, tokens: TOKENS, host });

describe('the identity of a fingerprint', () => {
  it.each(OS_FAMILIES)('is this for %s', (os) => {
    const fingerprint = testFingerprint(os, VERSION);
    expect(Value.Check(Fingerprint, fingerprint)).toBe(true);
    const { script, files, fingerprint: source, ...identity } = compile(fingerprint);
    expect(source).toBe(fingerprint);
    expect({
      ...identity,
      // Their contents have tests of their own.
      files: files.map(({ path, content }) => (path === 'fonts.conf' ? path : { path, content })),
      script: script === undefined ? undefined : /const config = (\{.*\});/.exec(script)?.[1],
    }).toMatchSnapshot();
  });

  it('is plain data that a note can hold', () => {
    const identity = compile(testFingerprint('macos', VERSION));
    expect(JSON.parse(JSON.stringify(identity))).toEqual(identity);
  });

  it('is the same each time', () => {
    const fingerprint = testFingerprint('android', VERSION);
    expect(compile(fingerprint)).toEqual(compile(fingerprint));
  });

  it('has no script where the browser says all of it by itself', () => {
    expect(compile(testFingerprint('linux', VERSION)).script).toBeUndefined();
  });

  it('is made with what the machine has', () => {
    const bare = compile(testFingerprint('linux', VERSION), {
      fontsDir: undefined,
      hardwareHelper: undefined,
      hasLlvmpipe: false,
    });
    expect(bare.files).toEqual([]);
    expect(bare.environment).toEqual({ TZ: 'America/New_York', LANGUAGE: 'en_US' });
    expect(bare.commands.worker).toContainEqual({
      method: 'Emulation.setHardwareConcurrencyOverride',
      params: { hardwareConcurrency: 8 },
    });
    expect(bare.script).toContain('Mesa Intel(R) UHD Graphics 630');
  });

  it('leaves nothing of a name for a configuration file to read as its own', () => {
    const fingerprint = testFingerprint('linux', VERSION);
    const gpu = { vendor: 'Google Inc. (<A&B>)', renderer: 'ANGLE (<A&B>, "C" <D/>, OpenGL ES 3.2)' };
    const [file] = compile({ ...fingerprint, gpu }).files;
    expect(file?.content).toContain('value="&lt;A&amp;B&gt;"');
    expect(file?.content).toContain('value="&quot;C&quot; &lt;D/&gt;"');
  });

  it('has colours that a virtual display lacks by script', () => {
    const fingerprint = testFingerprint('macos', VERSION);
    expect(compile(fingerprint).script).not.toContain('"colorDepth":');
    expect(compile(fingerprint, HOST, false).script).toContain('"colorDepth":30');
  });
});

describe('the names of a script', () => {
  it('are new for each identity', () => {
    const both = [makeScriptTokens(), makeScriptTokens()];
    expect(new Set(both.flatMap(({ eventName, scriptName }) => [eventName, scriptName])).size).toBe(4);
  });
});
