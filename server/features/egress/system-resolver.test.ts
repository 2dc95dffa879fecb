import { pbkdf2 } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

import { openTestDirectory } from '../../testing/test-directory.ts';
import { until } from '../../testing/until.ts';
import { SystemResolver, type SystemNames } from './system-resolver.ts';

const derive = promisify(pbkdf2);
const soon = (): AbortSignal => AbortSignal.timeout(20_000);

function failing(code: string): SystemNames['openDns'] {
  return () => ({ resolve: () => Promise.reject(Object.assign(new Error(code), { code })) });
}

async function openHosts(stack: AsyncDisposableStack, text: string): Promise<string> {
  const file = path.join(await openTestDirectory(stack), 'hosts');
  await writeFile(file, text);
  return file;
}

const nobody = (): Promise<never> => Promise.reject(new Error('The system was asked'));

describe('a name', () => {
  it('of the file of hosts is looked up nowhere else', async () => {
    await using stack = new AsyncDisposableStack();
    const text = '# all\n10.0.0.1\tOne.test two.test # three.test\n::1 one.test\nno-address four.test\n';
    const hostsPath = await openHosts(stack, text);
    const resolver = new SystemResolver({ hostsPath, openDns: failing('ENOTFOUND'), lookup: nobody });
    expect(await resolver.resolve('one.test', soon())).toEqual(['10.0.0.1', '::1']);
    expect(await resolver.resolve('two.test', soon())).toEqual(['10.0.0.1']);
    await expect(resolver.resolve('three.test', soon())).rejects.toThrow('The system was asked');
    await expect(resolver.resolve('four.test', soon())).rejects.toThrow('The system was asked');
  });

  it('that name servers know takes no thread', async () => {
    const openDns = (): ReturnType<SystemNames['openDns']> => ({ resolve: () => Promise.resolve(['192.0.2.1']) });
    const resolver = new SystemResolver({ hostsPath: '/nonexistent', openDns, lookup: nobody });
    expect(await resolver.resolve('known.test', soon())).toEqual(['192.0.2.1']);
  });

  it('that they are silent about takes none either', async () => {
    const resolver = new SystemResolver({ hostsPath: '/nonexistent', openDns: failing('ETIMEOUT'), lookup: nobody });
    await expect(resolver.resolve('silent.test', soon())).rejects.toMatchObject({ code: 'ETIMEOUT' });
  });

  it('that they do not know may be known to the system', async () => {
    const lookup = (host: string): Promise<string[]> => Promise.resolve([`192.0.2.${host.length}`]);
    const resolver = new SystemResolver({ hostsPath: '/nonexistent', openDns: failing('ENOTFOUND'), lookup });
    expect(await resolver.resolve('nas', soon())).toEqual(['192.0.2.3']);
  });
});

describe('many names that take long', () => {
  it('leave threads to those who read files', async () => {
    let begun = 0;
    let done = 0;
    // Holds a thread as `getaddrinfo` does while a name server is silent.
    const lookup = async (): Promise<string[]> => {
      begun += 1;
      await derive('a', 'b', 400_000, 64, 'sha512');
      done += 1;
      return ['192.0.2.1'];
    };
    const resolver = new SystemResolver({ hostsPath: '/nonexistent', openDns: failing('ENOTFOUND'), lookup });
    const stop = new AbortController();
    const all = Array.from({ length: 20 }, (_, index) => resolver.resolve(`slow-${index}.test`, stop.signal));
    await until(() => begun > 0);
    await readFile(import.meta.filename);
    expect(done).toBe(0);
    stop.abort();
    const outcomes = await Promise.allSettled(all);
    // Who has given up is not looked up for.
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(20 - begun);
    expect(begun).toBeLessThan(4);
  });
});
