const NEWLINE = 0x0a;
/** At most half of the slots are taken, so that a search ends soon. */
const SLOTS_PER_HOST = 2;

/** FNV-1a over bytes, in 32 bits. */
const HASH_START = 0x81_1c_9d_c5;
const HASH_PRIME = 0x01_00_01_93;

/** Where the lines of a text end, each with its newline. */
function findEnds(text: Buffer): Uint32Array {
  const ends: number[] = [];
  // Not with its iterator, which takes ten times as long.
  for (let place = 0; place < text.length; place += 1) if (text[place] === NEWLINE) ends.push(place);
  return Uint32Array.from(ends);
}

/**
 * Host names that are looked up where they were read: no string is made of any, so that tens of thousands of them weigh what the
 * file does and some bytes each, outside the heap.
 */
export class HostTable {
  readonly #text: Buffer;
  readonly #ends: Uint32Array;
  /** A hash table of lines, counted from 1; 0: free. */
  readonly #slots: Uint32Array;

  /** @param text a host a line, in ASCII, each line ended, none twice */
  constructor(text: Buffer) {
    this.#text = text;
    this.#ends = findEnds(text);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(this.size * SLOTS_PER_HOST + 1)));
    for (let line = 0; line < this.size; line += 1) {
      let slot = this.#slotOf(text, this.#startOf(line), this.#ends[line]);
      while (this.#slots[slot] !== 0) slot = this.#next(slot);
      this.#slots[slot] = line + 1;
    }
  }

  get size(): number {
    return this.#ends.length;
  }

  /** Whether what `name` holds from a place on is in it. */
  has(name: Buffer, from = 0): boolean {
    let slot = this.#slotOf(name, from);
    for (;;) {
      const line = (this.#slots[slot] ?? 0) - 1;
      if (line === -1) return false;
      if (this.#equals(line, name, from)) return true;
      slot = this.#next(slot);
    }
  }

  #slotOf(bytes: Buffer, from: number, to = bytes.length): number {
    let hash = HASH_START;
    for (let place = from; place < to; place += 1) hash = Math.imul(hash ^ (bytes[place] ?? 0), HASH_PRIME);
    return hash & (this.#slots.length - 1);
  }

  #next(slot: number): number {
    return (slot + 1) & (this.#slots.length - 1);
  }

  #startOf(line: number): number {
    return line === 0 ? 0 : (this.#ends[line - 1] ?? 0) + 1;
  }

  #equals(line: number, name: Buffer, from: number): boolean {
    const start = this.#startOf(line);
    const length = name.length - from;
    if ((this.#ends[line] ?? 0) - start !== length) return false;
    for (let place = 0; place < length; place += 1) {
      if (this.#text[start + place] !== name[from + place]) return false;
    }
    return true;
  }
}
