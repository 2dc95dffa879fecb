import { openText, sealText } from '../../lib/sealed-text.ts';
import type { Upstream } from '../egress/index.ts';
import { passwordUnreadable } from './proxy-failures.ts';
import type { ProxyRecord } from './proxy-record.ts';

const contextOf = (id: string): string => `proxy-password ${id}`;

/** Keeps passwords of proxies from whoever reads the database: each opens only with the key, and only for its own proxy. */
export class ProxyPasswords {
  readonly #keys: readonly [Uint8Array, ...Uint8Array[]];

  /** 32 bytes each. The first seals, all of them open. */
  constructor(keys: readonly [Uint8Array, ...Uint8Array[]]) {
    this.#keys = keys;
  }

  seal(id: string, password: string): Promise<Buffer> {
    return sealText(password, { key: this.#keys[0], context: contextOf(id) });
  }

  /** A stored proxy as it is dialled. @throws {AppError} PROXY_PASSWORD_UNREADABLE */
  async toUpstream(record: ProxyRecord): Promise<Upstream> {
    const { id, protocol, host, port, username, passwordSealed } = record;
    return {
      protocol,
      host,
      port,
      proxyId: id,
      username: username ?? undefined,
      password: passwordSealed === null ? undefined : await this.#open(id, passwordSealed),
    };
  }

  async #open(id: string, sealed: Buffer): Promise<string> {
    try {
      return await openText(sealed, { keys: this.#keys, context: contextOf(id) });
    } catch (error) {
      throw passwordUnreadable(error);
    }
  }
}
