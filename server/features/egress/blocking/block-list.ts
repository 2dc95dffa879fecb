import { readFileSync } from 'node:fs';
import path from 'node:path';

import { HostTable } from './host-table.ts';

const FOLDER = path.join(import.meta.dirname, 'data');
const DOT = 0x2e;
/** The longest a host name can be. Anything longer is none. */
const MAX_HOST_LENGTH = 253;

interface Tables {
  readonly ads: HostTable;
  readonly trackers: HostTable;
  /** Below a host of the others, and sites do not work without them. */
  readonly spared: HostTable;
}

/** Which hosts serve ads or trackers. */
export class BlockList {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** How many hosts it names. */
  get size(): number {
    return this.#tables.ads.size + this.#tables.trackers.size;
  }

  /**
   * What a host, or the nearest of its parent domains that is listed, serves; undefined: neither, as far as the list knows. Takes
   * microseconds. A host of both counts as one of ads.
   *
   * @param host as Chromium writes it: lower case, ASCII. An address is never listed
   */
  find(host: string): 'ads' | 'trackers' | undefined {
    if (host.length > MAX_HOST_LENGTH) return undefined;
    const { ads, trackers, spared } = this.#tables;
    // A name may be written as absolute.
    const name = Buffer.from(host.endsWith('.') ? host.slice(0, -1) : host, 'latin1');
    let from = 0;
    // No top-level domain is listed.
    for (let dot = name.indexOf(DOT); dot !== -1; dot = name.indexOf(DOT, from)) {
      if (spared.has(name, from)) return undefined;
      if (ads.has(name, from)) return 'ads';
      if (trackers.has(name, from)) return 'trackers';
      from = dot + 1;
    }
    return undefined;
  }
}

/** Reads the list that comes with Guise: some 20 ms, 2 MB. Where it is from is said in data/README.md. */
function readBlockList(): BlockList {
  const read = (name: string): HostTable => new HostTable(readFileSync(path.join(FOLDER, `${name}.txt`)));
  return new BlockList({ ads: read('ads'), trackers: read('trackers'), spared: read('spared') });
}

/** Gives the same list each time it is called, read the first time. */
export function lazyBlockList(): () => BlockList {
  let list: BlockList | undefined;
  return () => (list ??= readBlockList());
}
