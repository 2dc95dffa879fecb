import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const CHROMIUM_PATHS = ['/usr/lib/chromium/chromium', '/usr/lib/chromium-browser/chromium-browser'];
const STRACE = '/usr/bin/strace';

/** What a process has asked the kernel for that concerns the network. */
export interface NetworkCall {
  /** `datagram`: one that was sent, on whatever socket that is not TCP; `udp`: a socket for them that was made. */
  readonly call: 'connect' | 'datagram' | 'udp';
  /** Such as `127.0.0.1:28000`; empty for a socket that is only made, and where a datagram says nothing of where it goes. */
  readonly peer: string;
}

/** A program to start in place of Chromium: the same, with every process of it watched by the kernel's tracing. */
export interface TracedChromium {
  readonly path: string;
  /** What all that were started since the last call have done so far. */
  read(): Promise<NetworkCall[]>;
}

/** Where the browser is that is to be traced; undefined, with the reason, where that cannot be. */
export function findTraceable(): { readonly chromium: string } | { readonly why: string } {
  const chromium = [process.env['CHROMIUM_PATH'] ?? '', ...CHROMIUM_PATHS].find(
    (each) => each !== '' && existsSync(each),
  );
  if (chromium === undefined) return { why: 'there is no Chromium of which the binary is known' };
  return existsSync(STRACE) ? { chromium } : { why: 'strace is not installed (Debian package strace)' };
}

/** IPv4 and IPv6 addresses as strace writes them. */
const PEER =
  /sin6?_port=htons\((?<port>\d+)\).*?(?:inet_addr\("(?<four>[^"]+)"\)|inet_pton\(AF_INET6, "(?<six>[^"]+)")/;

/** The socket that something is sent on, with what it is connected to, as strace writes it: `UDP:[127.0.0.1:4000->1.2.3.4:53]`. */
const SOCKET = /\b(?:sendto|sendmsg|sendmmsg)\(\d+<(?<kind>[^:>]+)(?::\[(?:.*->(?<peer>[^>]+)\]|[^>]*)>)?/;
/** Byte streams, and what stays in the machine. */
const NO_DATAGRAMS = /^(?:TCP|TCPv6|UNIX.*|NETLINK)$/;

function parseDatagram(line: string): NetworkCall | undefined {
  const { kind = '', peer } = SOCKET.exec(line)?.groups ?? {};
  if (kind === '' || NO_DATAGRAMS.test(kind)) return undefined;
  return { call: 'datagram', peer: parsePeer(line) ?? peer ?? '' };
}

function parseLine(line: string): NetworkCall | undefined {
  const name = /\b(?<name>connect|send|socket)(?:to|msg|mmsg)?\(/.exec(line)?.groups?.['name'];
  if (name === 'send') return parseDatagram(line);
  if (name === 'socket') {
    return /AF_INET6?, SOCK_(?:DGRAM|RAW)/.test(line) ? { call: 'udp', peer: '' } : undefined;
  }
  const peer = name === 'connect' ? parsePeer(line) : undefined;
  return peer === undefined ? undefined : { call: 'connect', peer };
}

function parsePeer(line: string): string | undefined {
  const { port, four, six } = PEER.exec(line)?.groups ?? {};
  if (port === undefined) return undefined;
  return four === undefined ? `[${six ?? ''}]:${port}` : `${four}:${port}`;
}

/** Writes the program. `stack` removes it. */
export async function traceChromium(stack: AsyncDisposableStack, chromium: string): Promise<TracedChromium> {
  const folder = await mkdtemp(path.join(tmpdir(), 'guise-trace-'));
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  const program = path.join(folder, 'chromium');
  // Chromium sends datagrams by these, and never by `write`.
  const calls = 'trace=connect,sendto,sendmsg,sendmmsg,socket';
  // -D: the browser stays the child of whoever starts it. The filter in the kernel stops it at these calls only.
  const lines = [
    '#!/bin/sh',
    `if [ "$1" = --version ]; then exec ${chromium} "$@"; fi`,
    `exec ${STRACE} -D -f -qq -yy -s 0 --seccomp-bpf -e signal=none -e ${calls} -o "${folder}/$$.trace" ${chromium} "$@"`,
  ];
  await writeFile(program, `${lines.join('\n')}\n`);
  await chmod(program, 0o755);
  let seen = new Set<string>();
  return {
    path: program,
    async read() {
      const files = (await readdir(folder)).filter((name) => name.endsWith('.trace') && !seen.has(name));
      const texts = await Promise.all(files.map((name) => readFile(path.join(folder, name), 'utf8')));
      seen = new Set([...seen, ...files]);
      return texts.flatMap((text) => text.split('\n').flatMap((line) => parseLine(line) ?? []));
    },
  };
}
