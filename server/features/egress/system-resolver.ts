import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

import { Semaphore } from '../../lib/semaphore.ts';
import { createDnsResolver, type NameResolver } from './name-resolver.ts';

/** How many of libuv's threads (4 unless the environment says otherwise), which files need as well, may wait for names. */
const LOOKUPS_AT_ONCE = 2;
/** For how long what the system says about hosts and name servers is taken to hold. */
const SETTINGS_AGE_MS = 5_000;

/** Where the system keeps what it knows of names. */
export interface SystemNames {
  /** A file of lines with an address and names of it. */
  readonly hostsPath: string;
  /** Asks the name servers that the system is set to now, without a thread. */
  readonly openDns: () => NameResolver;
  /** `getaddrinfo`, which holds a thread until it is done. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
}

const SYSTEM: SystemNames = {
  hostsPath: '/etc/hosts',
  openDns: () => createDnsResolver(),
  lookup: async (host) => {
    const found = await lookup(host, { all: true, order: 'verbatim' });
    return found.map(({ address }) => address);
  },
};

function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names) found.set(name.toLowerCase(), [...(found.get(name.toLowerCase()) ?? []), address]);
  }
  return found;
}

interface Settings {
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  readonly dns: NameResolver;
}

/**
 * Resolves as the system does: by its file of hosts, by its name servers, and by all else it may know names from.
 *
 * `getaddrinfo` alone would do, but for as long as a name server is silent it holds one of the few threads that all of the service reads
 * and writes files with, and a page chooses what names are asked for. So it is asked last, and by few at once.
 */
export class SystemResolver implements NameResolver {
  readonly #system: SystemNames;
  readonly #lookups = new Semaphore(LOOKUPS_AT_ONCE);
  #settings: { readonly at: number; readonly value: Promise<Settings> } | undefined;

  constructor(system: SystemNames = SYSTEM) {
    this.#system = system;
  }

  async resolve(host: string, signal: AbortSignal): Promise<readonly string[]> {
    const { hosts, dns } = await this.#readSettings();
    const fixed = hosts.get(host);
    if (fixed !== undefined) return fixed;
    try {
      const found = await dns.resolve(host, signal);
      if (found.length > 0) return found;
    } catch (error) {
      // The system would ask the same servers, and wait once more.
      if (error instanceof Error && 'code' in error && error.code === 'ETIMEOUT') throw error;
    }
    // A name without a dot, a search list, mDNS, or no such name.
    using _slot = await this.#lookups.acquire(signal);
    return await this.#system.lookup(host);
  }

  #readSettings(): Promise<Settings> {
    const now = performance.now();
    if (this.#settings === undefined || now - this.#settings.at > SETTINGS_AGE_MS) {
      this.#settings = { at: now, value: this.#loadSettings() };
    }
    return this.#settings.value;
  }

  async #loadSettings(): Promise<Settings> {
    // There need not be one.
    const text = await readFile(this.#system.hostsPath, 'utf8').catch(() => '');
    return { hosts: parseHosts(text), dns: this.#system.openDns() };
  }
}
