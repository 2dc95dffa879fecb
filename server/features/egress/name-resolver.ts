import { Resolver } from 'node:dns/promises';

/** Finds the addresses of names. */
export interface NameResolver {
  /** All addresses, best first. Rejects when there are none or nobody tells. */
  resolve(host: string, signal: AbortSignal): Promise<readonly string[]>;
}

const QUERY_TIMEOUT_MS = 3_000;
const TRIES = 2;

/**
 * Asks these DNS servers only (`127.0.0.1:5353`, `[::1]:53`), without a thread. Default: those the system is set to now.
 * @throws {TypeError} when one is no address
 */
export function createDnsResolver(servers?: readonly string[]): NameResolver {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  return {
    async resolve(host) {
      const [six, four] = await Promise.allSettled([resolver.resolve6(host), resolver.resolve4(host)]);
      const found = [six, four].flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
      if (found.length === 0 && four.status === 'rejected') throw four.reason;
      return found;
    },
  };
}
