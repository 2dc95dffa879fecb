import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const ANSWER_TIMEOUT_MS = 10_000;

/** A WebSocket of which every byte is the test's own. */
export interface RawWebSocket {
  readonly socket: Socket;
  /** Settles when the connection is closed, with all that came after the handshake. */
  readonly closed: Promise<Buffer>;
}

/** Opens a connection and sends `text`; errors of the connection are not told. */
export function sendRaw(port: number, text: string | Buffer): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(text);
  return socket;
}

/** The request that asks for an upgrade. */
export function upgradeRequest({ pathname, search, host }: URL): string {
  const key = randomBytes(16).toString('base64');
  return [
    `GET ${pathname}${search} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    '\r\n',
  ].join('\r\n');
}

/** Opens a WebSocket without a client library. @throws when it is not answered with 101 */
export async function openRawWebSocket(url: string): Promise<RawWebSocket> {
  const address = new URL(url);
  const socket = sendRaw(Number(address.port), upgradeRequest(address));
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<Buffer>();
  let received = Buffer.alloc(0);
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error('No answer in time')));
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (received.toString('latin1').startsWith('HTTP/1.1 101')) opened.resolve();
    else opened.reject(new Error(received.toString('latin1', 0, end)));
  });
  socket.once('close', () => {
    opened.reject(new Error('The connection was closed'));
    closed.resolve(received.subarray(received.indexOf('\r\n\r\n') + 4));
  });
  await opened.promise;
  return { socket, closed: closed.promise };
}

/** A frame with a mask of zeros: the payload stands in it as it is. */
export function maskedFrame(payload: string | Buffer, first = 0x81): Buffer {
  const bytes = Buffer.from(payload);
  const length = bytes.length < 126 ? [0x80 | bytes.length] : [0xfe, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from([first, ...length, 0, 0, 0, 0]), bytes]);
}

/** The close code a server's stream ends with; undefined where there is none. */
export function closeCodeOf(stream: Buffer): number | undefined {
  for (let at = 0; at + 2 <= stream.length;) {
    const short = (stream[at + 1] ?? 0) & 0x7f;
    const [extended, length] =
      short < 126 ? [0, short] : short === 126 ? [2, stream.readUInt16BE(at + 2)] : [8, stream.readUInt32BE(at + 6)];
    const payloadAt = at + 2 + extended;
    if (((stream[at] ?? 0) & 0xf) === 0x8) return length < 2 ? undefined : stream.readUInt16BE(payloadAt);
    at = payloadAt + length;
  }
  return undefined;
}
