import { connect, type Socket } from 'node:net';

import { raceAbort } from '../lib/deadline.ts';
import type { IdentityDisplay } from './browser-identity.ts';

/*
 * The little of the X protocol (x.org, "X Window System Protocol", appendix B) that it takes to set one property of the root window: a
 * window manager would set it too, and be a process and a package more.
 */
const BYTE_ORDER_LITTLE = 0x6c;
const PROTOCOL_MAJOR = 11;
const SETUP_HEADER_BYTES = 8;
const SETUP_FIXED_BYTES = 32;
const PIXMAP_FORMAT_BYTES = 8;
const REPLY_BYTES = 32;
const INTERN_ATOM = 16;
const CHANGE_PROPERTY = 18;
const GET_INPUT_FOCUS = 43;
const ATOM_CARDINAL = 6;
const WORD_BITS = 32;

function words(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => buffer.writeUInt32LE(value, index * 4));
  return buffer;
}

/** Fields of a request are filled up to whole words. */
function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc(-data.length & 3)]);
}

function connectionSetup({ protocol, cookie }: DisplayAccess): Buffer {
  const name = Buffer.from(protocol);
  const header = Buffer.alloc(12);
  header.writeUInt8(BYTE_ORDER_LITTLE, 0);
  header.writeUInt16LE(PROTOCOL_MAJOR, 2);
  header.writeUInt16LE(name.length, 6);
  header.writeUInt16LE(cookie.length, 8);
  return Buffer.concat([header, padded(name), padded(cookie)]);
}

function request(opcode: number, detail: number, body: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt8(opcode, 0);
  header.writeUInt8(detail, 1);
  header.writeUInt16LE((body.length + 4) / 4, 2);
  return Buffer.concat([header, body]);
}

/** Reads from a socket in exact amounts. */
async function readExactly(socket: Socket, size: number, signal: AbortSignal): Promise<Buffer> {
  for (;;) {
    const data = socket.read(size) as Buffer | null;
    if (data !== null) {
      if (data.length === size) return data;
      throw new Error('The X server hung up');
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('readable', resolve);
    socket.once('end', () => reject(new Error('The X server hung up')));
    await raceAbort(promise, signal);
  }
}

/** The root window of the first screen, from the answer to the connection's set-up. */
async function readRootWindow(socket: Socket, signal: AbortSignal): Promise<number> {
  const header = await readExactly(socket, SETUP_HEADER_BYTES, signal);
  if (header.readUInt8(0) !== 1) throw new Error('The X server refused the connection');
  const body = await readExactly(socket, header.readUInt16LE(6) * 4, signal);
  const vendorBytes = (body.readUInt16LE(16) + 3) & ~3;
  return body.readUInt32LE(SETUP_FIXED_BYTES + vendorBytes + body.readUInt8(21) * PIXMAP_FORMAT_BYTES);
}

/** How to get into a display. */
export interface DisplayAccess {
  readonly socketPath: string;
  readonly protocol: string;
  readonly cookie: Buffer;
}

/**
 * Says on a display's root window what of the screen is free of taskbars (`_NET_WORKAREA` of the Extended Window Manager
 * Hints), which is what Chromium answers `screen.availWidth` and the like from.
 *
 * @throws what the X server or the socket fails with
 */
export async function setWorkArea(
  access: DisplayAccess,
  { left, top, width, height }: IdentityDisplay['workArea'],
  signal: AbortSignal,
): Promise<void> {
  const socket = connect(access.socketPath);
  const failed = Promise.withResolvers<never>();
  socket.once('error', failed.reject);
  const set = async (): Promise<void> => {
    socket.write(connectionSetup(access));
    const root = await readRootWindow(socket, signal);
    const name = Buffer.from('_NET_WORKAREA');
    socket.write(request(INTERN_ATOM, 0, Buffer.concat([words(name.length), padded(name)])));
    const atom = (await readExactly(socket, REPLY_BYTES, signal)).readUInt32LE(8);
    const area = [left, top, width, height];
    const body = words(root, atom, ATOM_CARDINAL, WORD_BITS, area.length, ...area);
    // The answer to the second says that the first, which has none, was done.
    socket.write(Buffer.concat([request(CHANGE_PROPERTY, 0, body), request(GET_INPUT_FOCUS, 0, Buffer.alloc(0))]));
    const answer = await readExactly(socket, REPLY_BYTES, signal);
    if (answer.readUInt8(0) !== 1) throw new Error('The X server refused the work area');
  };
  try {
    await Promise.race([set(), failed.promise]);
  } finally {
    socket.destroy();
  }
}
