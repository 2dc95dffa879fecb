import { createSocket, type RemoteInfo } from 'node:dgram';
import { isIP } from 'node:net';

const TYPE_A = 1;
const TYPE_CNAME = 5;
const TYPE_AAAA = 28;
const HEADER_BYTES = 12;
const NAME_ERROR = 3;

/** What a name is answered with: addresses of either family; the second and every later time perhaps others; or another name first. */
export interface Zone {
  readonly first: readonly string[];
  readonly later?: readonly string[];
  readonly alias?: string;
}

/** A DNS server of the test's own, for names as an attacker would set them up. */
export interface NameServer {
  /** Such as `127.0.0.1:34567`. */
  readonly address: string;
  /** How often a name was asked for, by either type. */
  asked(name: string): number;
}

interface Question {
  readonly name: string;
  readonly type: number;
  readonly end: number;
}

function readQuestion(packet: Buffer): Question {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = packet.readUInt8(at); length > 0; length = packet.readUInt8(at)) {
    labels.push(packet.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: packet.readUInt16BE(at + 1), end: at + 5 };
}

function toIpv6Bytes(address: string): Buffer {
  const hostname = URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1) ?? '';
  const [head = '', tail] = hostname.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const all = [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function toName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

/** A record of a name with TTL 0: nobody is to remember it. */
function toRecord(name: Buffer, type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([name, head, data]);
}

function recordsFor({ name, type }: Question, zone: Zone, times: number): Buffer[] {
  const addresses = times > 1 ? (zone.later ?? zone.first) : zone.first;
  const family = type === TYPE_A ? 4 : type === TYPE_AAAA ? 6 : 0;
  const owner = zone.alias ?? name;
  const alias = zone.alias === undefined ? [] : [toRecord(toName(name), TYPE_CNAME, toName(zone.alias))];
  const found = addresses.filter((address) => isIP(address) === family);
  const data = (address: string): Buffer =>
    family === 4 ? Buffer.from(address.split('.').map(Number)) : toIpv6Bytes(address);
  return [...alias, ...found.map((address) => toRecord(toName(owner), type, data(address)))];
}

function toAnswer(query: Buffer, { end }: Question, records: readonly Buffer[] | undefined): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | (records === undefined ? NAME_ERROR : 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records?.length ?? 0, 6);
  return Buffer.concat([head, query.subarray(HEADER_BYTES, end), ...(records ?? [])]);
}

/** Starts a name server on loopback that knows these names, by the part of them before `.test`, and what is below. `stack` stops it. */
export async function startNameServer(
  stack: AsyncDisposableStack,
  zones: Readonly<Record<string, Zone>>,
): Promise<NameServer> {
  const asked = new Map<string, number>();
  const socket = createSocket('udp4');
  const answer = (query: Buffer, from: RemoteInfo): void => {
    const question = readQuestion(query);
    const key = `${question.name} ${question.type}`;
    const times = (asked.get(key) ?? 0) + 1;
    asked.set(key, times);
    const zone =
      zones[
        question.name
          .replace(/\.test$/, '')
          .split('.')
          .at(-1) ?? ''
      ];
    socket.send(toAnswer(query, question, zone && recordsFor(question, zone, times)), from.port, from.address);
  };
  socket.on('message', answer);
  const listening = Promise.withResolvers<void>();
  socket.bind(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  stack.defer(() => void socket.close());
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked: (name) => (asked.get(`${name} ${TYPE_A}`) ?? 0) + (asked.get(`${name} ${TYPE_AAAA}`) ?? 0),
  };
}
