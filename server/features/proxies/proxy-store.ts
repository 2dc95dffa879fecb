import { AppError, invalidField } from '../../lib/app-error.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { UpstreamSource } from '../egress/index.ts';
import { type ExitPlace, mergePlace } from './exit-place.ts';
import type { ProxyChecker } from './proxy-checker.ts';
import { noSuchProxy } from './proxy-failures.ts';
import type { ProxyHealth } from './proxy-health.ts';
import type { ProxyPasswords } from './proxy-passwords.ts';
import type { ProxyRecord } from './proxy-record.ts';
import type { ProxyRepository } from './proxy-repository.ts';
import { describeUpstream, parseProxyUrl } from './proxy-url.ts';
import { type Member, type RotationPeriod, singleUpstream, UpstreamRotation } from './upstream-rotation.ts';

/** Intervals are no shorter than a page takes. */
const MIN_INTERVAL_MS = 1_000;
/** Proxies that are checked at once, and that one call of `checkDue` takes. */
const CHECKS_AT_ONCE = 4;
const CHECKS_PER_CALL = 40;

/** Which proxy a session asks for: by its URL, by its id, or those of a group in turn. */
export type ProxySelection =
  | { readonly proxy: string }
  | { readonly proxyId: string }
  | {
      readonly proxyRotation: {
        readonly group: string;
        readonly per: 'session' | 'request' | 'interval';
        readonly intervalMs?: number | undefined;
      };
    };

/** What a session leaves through. */
export interface OpenedProxy {
  readonly source: UpstreamSource;
  /** The stored proxy in use now; null for one given by its URL. Of a group it changes. */
  readonly proxyId: string | null;
  /** Where the one in use comes out, as it is stored; undefined: nobody knows, see `findExit`. */
  readonly exit: ExitPlace | undefined;
  /** Its URL, or the group: for people and logs, without credentials. */
  describe(): string;
}

export interface ProxyStoreDeps {
  readonly proxies: ProxyRepository;
  readonly passwords: ProxyPasswords;
  readonly health: ProxyHealth;
  readonly checker: ProxyChecker;
  readonly logger: Logger;
  /** 0: `checkDue` checks nothing. */
  readonly checkIntervalMs: number;
}

/** Gives sessions the proxies they ask for, and looks after those that are stored. */
export class ProxyStore {
  readonly #deps: ProxyStoreDeps;

  constructor(deps: ProxyStoreDeps) {
    this.#deps = deps;
  }

  /**
   * The proxy a session is to leave through. Nothing is connected yet, and nothing has to be given back.
   *
   * @throws {AppError} PROXY_NOT_FOUND; VALIDATION_FAILED for a URL that is none, a proxy that is not active, a group without active
   *   members; PROXY_PASSWORD_UNREADABLE
   */
  async open(selection: ProxySelection): Promise<OpenedProxy> {
    if ('proxy' in selection) return this.#openUrl(selection.proxy);
    if ('proxyId' in selection) return this.#openStored(selection.proxyId);
    return this.#openGroup(selection.proxyRotation);
  }

  /**
   * Where a session comes out, for what follows its exit: as it is stored, or else by a look through the proxy, or directly where it has
   * none. Takes 10 seconds at most.
   *
   * @throws {AppError} PROXY_CHECK_FAILED
   */
  async findExit(opened: OpenedProxy | undefined, signal: AbortSignal): Promise<ExitPlace> {
    return opened?.exit ?? this.#deps.checker.findExit(opened, signal);
  }

  /** Writes down what sessions have seen of proxies. To be called now and then, and at the end; never rejects. */
  async flush(): Promise<void> {
    const { health, proxies, logger } = this.#deps;
    const notes = health.takeNotes();
    try {
      await proxies.recordUses(notes);
    } catch (error) {
      health.returnNotes(notes);
      logger.warn({ err: error, proxies: notes.length }, 'use of proxies not written down');
    }
  }

  /** Checks active proxies whose last check is too old, some at a time; gives how many. To be called now and then. */
  async checkDue(signal: AbortSignal): Promise<number> {
    const { proxies, checkIntervalMs } = this.#deps;
    if (checkIntervalMs === 0) return 0;
    let checked = 0;
    while (checked < CHECKS_PER_CALL && !signal.aborted) {
      const due = await proxies.takeDue(checkIntervalMs, CHECKS_AT_ONCE);
      await Promise.all(due.map((record) => this.#checkOne(record, signal)));
      checked += due.length;
      if (due.length < CHECKS_AT_ONCE) break;
    }
    return checked;
  }

  async #checkOne(record: ProxyRecord, signal: AbortSignal): Promise<void> {
    const { checker, logger } = this.#deps;
    try {
      await checker.check(record, signal);
    } catch (error) {
      // That it failed is written down with the proxy; only what is no result of a check is a mistake.
      const isResult = signal.aborted || error instanceof AppError;
      if (!isResult) logger.error({ err: error, proxyId: record.id }, 'proxy not checked');
    }
  }

  #openUrl(text: string): OpenedProxy {
    const upstream = parseProxyUrl(text, '/proxy');
    const source = singleUpstream(upstream, this.#deps.health);
    return {
      source,
      proxyId: null,
      exit: undefined,
      describe: () => `${upstream.protocol}://${describeUpstream(upstream)}`,
    };
  }

  async #openStored(proxyId: string): Promise<OpenedProxy> {
    const { proxies, passwords, health } = this.#deps;
    const record = await proxies.find(proxyId);
    if (record === undefined) throw noSuchProxy(proxyId);
    if (!record.isActive) throw invalidField('/proxyId', 'is of a proxy that is not active');
    const upstream = await passwords.toUpstream(record);
    await proxies.recordUses([{ id: record.id, usedAt: new Date(), failuresInARow: undefined }]);
    return {
      source: singleUpstream(upstream, health),
      proxyId: record.id,
      exit: mergePlace(record, record.exit),
      describe: () => `${record.protocol}://${describeUpstream(record)}`,
    };
  }

  async #openGroup({
    group,
    per,
    intervalMs,
  }: Extract<ProxySelection, { proxyRotation: unknown }>['proxyRotation']): Promise<OpenedProxy> {
    const { health } = this.#deps;
    const period = toPeriod(per, intervalMs);
    const [first, ...rest] = await this.#listInTurn(group);
    if (first === undefined) throw invalidField('/proxyRotation/group', 'has no active proxy');
    const exits = new Map([first, ...rest].map((record) => [record.id, mergePlace(record, record.exit)]));
    const rotation = new UpstreamRotation([await this.#toMember(first), ...(await this.#toMembers(rest))], period, {
      health,
    });
    return {
      source: rotation,
      get proxyId() {
        return rotation.current.proxyId;
      },
      get exit() {
        return exits.get(rotation.current.proxyId);
      },
      describe: () => `group ${group}`,
    };
  }

  /** The active members of a group, first the one whose turn it is in the whole database. */
  async #listInTurn(group: string): Promise<ProxyRecord[]> {
    const { proxies, health } = this.#deps;
    const taken = (await proxies.takeTurn(group, health.listAvoided())) ?? (await proxies.takeTurn(group, []));
    const members = await proxies.listActiveOf(group);
    const first = members.filter(({ id }) => id === taken);
    return [...first, ...members.filter((member) => !first.includes(member))];
  }

  async #toMember(record: ProxyRecord): Promise<Member> {
    return { ...(await this.#deps.passwords.toUpstream(record)), proxyId: record.id };
  }

  #toMembers(records: readonly ProxyRecord[]): Promise<Member[]> {
    return Promise.all(records.map((record) => this.#toMember(record)));
  }
}

function toPeriod(per: 'session' | 'request' | 'interval', intervalMs: number | undefined): RotationPeriod {
  if (per !== 'interval') return { per };
  if (intervalMs === undefined || !(intervalMs >= MIN_INTERVAL_MS)) {
    throw invalidField(
      '/proxyRotation/intervalMs',
      `must be at least ${MIN_INTERVAL_MS} where it goes by the interval`,
    );
  }
  return { per, intervalMs };
}
