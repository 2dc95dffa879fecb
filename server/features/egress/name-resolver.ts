import { lookup, Resolver } from 'node:dns/promises';

/** Finds the addresses of names. */
export interface NameResolver {
  /** All addresses, best first. Rejects when there are none or nobody tells. */
  resolve(host: string): Promise<readonly string[]>;
}

const QUERY_TIMEOUT_MS = 3_000;
const TRIES = 2;

/** Resolves as the system does. */
export const systemResolver: NameResolver = {
  async resolve(host) {
    const found = await lookup(host, { all: true, order: 'verbatim' });
    return found.map(({ address }) => address);
  },
};

/**
 * Asks these DNS servers only (`127.0.0.1:5353`, `[::1]:53`).
 * @throws {TypeError} when one is no address
 */
export function createDnsResolver(servers: readonly string[]): NameResolver {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: TRIES });
  resolver.setServers(servers);
  return {
    async resolve(host) {
      const [six, four] = await Promise.allSettled([resolver.resolve6(host), resolver.resolve4(host)]);
      const found = [six, four].flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
      if (found.length === 0 && four.status === 'rejected') throw four.reason;
      return found;
    },
  };
}
