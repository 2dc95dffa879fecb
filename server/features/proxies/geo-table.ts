import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { fileURLToPath } from 'node:url';

import { Reader } from 'mmdb-lib';

import { type EgressPolicy, findAddressRefusal } from '../egress/index.ts';

/** Countries of addresses, from the registries' and networks' own statements. */
const BUNDLED = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb';

const PUBLIC_ONLY: EgressPolicy = { allow: [], deny: [], proxyAllow: [] };

/** What tables of this format say of an address: this one's own member, or that of GeoLite2, DB-IP and those like them. */
interface Row {
  readonly country_code?: string;
  readonly country?: { readonly iso_code?: string };
}

/** Tells the country of an IP address without asking anybody. Held in memory: 8 MB, a microsecond a look-up. */
export class GeoTable {
  readonly #reader: Reader<never>;
  /** When its data was put together. */
  readonly builtAt: Date;

  constructor(reader: Reader<never>) {
    this.#reader = reader;
    this.builtAt = reader.metadata.buildEpoch;
  }

  /** Reads the table: any MMDB file with countries, or the one that comes with the service. @throws where it cannot be read */
  static async open(file: string = fileURLToPath(import.meta.resolve(BUNDLED))): Promise<GeoTable> {
    return new GeoTable(new Reader<never>(await readFile(file)));
  }

  /** ISO 3166-1 alpha-2; undefined for private addresses, those nobody has, and what is no address. */
  findCountry(address: string): string | undefined {
    // The table has entries for ranges that are nobody's, too.
    if (isIP(address) === 0 || findAddressRefusal(address, PUBLIC_ONLY, 'target') !== undefined) return undefined;
    const row = this.#reader.get(address) as Row | null;
    const code = row?.country_code ?? row?.country?.iso_code;
    return code !== undefined && /^[A-Z]{2}$/.test(code) ? code : undefined;
  }
}
