import type { BlockResources, SessionProxy, SessionTraffic } from '@guise/contract';

import type { Browser } from '../../browser/index.ts';
import type { BlockingPlan, EgressFailure, EgressListener, EgressRefusal, EgressRules } from '../egress/index.ts';
import type { ExitPlace, OpenedProxy, ProxySelection } from '../proxies/index.ts';
import {
  changeLimits,
  choosesProxy,
  type EgressChanges,
  type EgressLimits,
  type StoredEgress,
  toSelection,
} from './egress-options.ts';

const BYTES_PER_MB = 1024 ** 2;

/** The proxy of one browser, as sessions see it. */
export interface BrowserEgress {
  readonly traffic: SessionTraffic;
  /** Holds all its connections to rules from now on. Until the first call it lets none through. */
  configure(rules: EgressRules, listener: EgressListener): void;
  /** What happened to the last connection to a destination, if it did not come about. */
  lastProblem(host: string, port: number): EgressRefusal | EgressFailure | undefined;
}

/** The part of a browser that is held to it. */
type EgressBrowser = Pick<Browser, 'proxyPort' | 'spec' | 'setBlockedTypes'>;

/** What sessions need to leave through. */
export interface EgressDeps {
  /** The proxy that listens on a port. */
  readonly find: (port: number) => BrowserEgress | undefined;
  /** `scope`: whose stored proxies can be chosen; undefined: all. @throws {AppError} PROXY_NOT_FOUND, VALIDATION_FAILED */
  readonly openProxy: (selection: ProxySelection, scope: string | undefined) => Promise<OpenedProxy>;
  /** Finds out where a proxy leaves; undefined: where this node does. @throws {AppError} PROXY_CHECK_FAILED */
  readonly findExit: (proxy: OpenedProxy | undefined, signal: AbortSignal) => Promise<ExitPlace>;
  readonly planBlocking: (resources: BlockResources) => BlockingPlan;
  /** Text that only this service can read again. */
  readonly seal: (text: string) => Promise<string>;
  readonly unseal: (sealed: string) => Promise<string>;
  /** Told of what becomes of a session's connections. */
  readonly listener: (sessionId: string) => EgressListener;
}

/** The proxy as clients see it, and with what it is to be opened again. */
interface ChosenProxy {
  readonly opened: OpenedProxy;
  readonly shown: SessionProxy;
  readonly sealedProxy: string | undefined;
  readonly proxyRotation: StoredEgress['proxyRotation'];
  readonly scope: string | undefined;
}

async function chooseProxy(
  deps: EgressDeps,
  selection: ProxySelection,
  scope: string | undefined,
): Promise<ChosenProxy> {
  const opened = await deps.openProxy(selection, scope);
  const proxyRotation = 'proxyRotation' in selection ? selection.proxyRotation : undefined;
  return {
    opened,
    shown: {
      id: opened.proxyId,
      url: proxyRotation === undefined ? opened.describe() : null,
      group: proxyRotation?.group ?? null,
    },
    sealedProxy: 'proxy' in selection ? await deps.seal(selection.proxy) : undefined,
    proxyRotation,
    scope,
  };
}

/** A session's way out: which proxy it leaves through and what it is held to, whichever browser it has. */
export class SessionEgress {
  readonly #deps: EgressDeps;
  #proxy: ChosenProxy | undefined;
  #limits: EgressLimits;
  #sessionId: string | undefined;
  #browser: { readonly itself: EgressBrowser; readonly proxy: BrowserEgress } | undefined;
  #exit: ExitPlace | undefined;
  #isQuotaSpent = false;

  private constructor(deps: EgressDeps, proxy: ChosenProxy | undefined, limits: EgressLimits) {
    this.#deps = deps;
    this.#proxy = proxy;
    this.#limits = limits;
  }

  /** @throws {AppError} PROXY_NOT_FOUND, VALIDATION_FAILED */
  static async plan(
    deps: EgressDeps,
    wishes: {
      readonly selection: ProxySelection | undefined;
      readonly limits: EgressLimits;
      /** Whose stored proxies can be chosen; undefined: all. */
      readonly scope?: string | undefined;
    },
  ): Promise<SessionEgress> {
    const { selection, limits, scope } = wishes;
    const proxy = selection && (await chooseProxy(deps, selection, scope));
    return new SessionEgress(deps, proxy, changeLimits(limits, {}));
  }

  /** The way out of a session whose row says so. @throws as `plan` */
  static async restore(deps: EgressDeps, stored: StoredEgress): Promise<SessionEgress> {
    const { proxy, sealedProxy, proxyRotation, proxyScope: scope } = stored;
    const selection = toSelection({
      proxyRotation,
      ...(sealedProxy === undefined ? {} : { proxy: await deps.unseal(sealedProxy) }),
      ...(sealedProxy === undefined && proxyRotation === undefined ? { proxyId: proxy?.id } : {}),
    });
    const egress = await SessionEgress.plan(deps, { selection, limits: stored, scope });
    egress.#exit ??= stored.exit;
    return egress;
  }

  /** Where it leaves: what is known already, or found out now. @throws {AppError} PROXY_CHECK_FAILED */
  async findExit(signal: AbortSignal): Promise<ExitPlace> {
    this.#exit = this.knownExit ?? (await this.#deps.findExit(this.#proxy?.opened, signal));
    return this.#exit;
  }

  /** What is known of where it leaves. */
  get knownExit(): ExitPlace | undefined {
    return this.#proxy?.opened.exit ?? this.#exit;
  }

  get proxyId(): string | null {
    return this.#proxy?.shown.id ?? null;
  }

  get trafficLimitMb(): number | null {
    return this.#limits.trafficLimitMb ?? null;
  }

  /** As it is kept with the session's row. */
  get stored(): StoredEgress {
    return {
      ...this.#limits,
      proxy: this.#proxy?.shown ?? null,
      sealedProxy: this.#proxy?.sealedProxy,
      proxyRotation: this.#proxy?.proxyRotation,
      proxyScope: this.#proxy?.scope,
      exit: this.knownExit,
    };
  }

  /** What its connections have moved so far. */
  get traffic(): SessionTraffic {
    return this.#browser?.proxy.traffic ?? { receivedBytes: 0, sentBytes: 0, connections: 0, refusals: 0 };
  }

  /**
   * Lets a browser into the world, held to this. One that inherits the proxy of another goes on where that was.
   *
   * @throws {CdpClosedError} when the browser is gone
   */
  async attach(sessionId: string, browser: EgressBrowser, signal: AbortSignal): Promise<void> {
    const proxy = this.#deps.find(browser.proxyPort);
    if (proxy === undefined) throw new Error(`No proxy of this node listens on port ${browser.proxyPort}`);
    this.#browser = { itself: browser, proxy };
    this.#sessionId = sessionId;
    await this.#configure(signal);
  }

  /** What it would be after changes; in force only with `adopt`. @throws as `plan` */
  async planChanges(changes: EgressChanges, scope: string | undefined): Promise<SessionEgress> {
    const selection = toSelection(changes);
    const chosen = selection && (await chooseProxy(this.#deps, selection, scope));
    const proxy = choosesProxy(changes) ? chosen : this.#proxy;
    const plan = new SessionEgress(this.#deps, proxy, changeLimits(this.#limits, changes));
    if (proxy === this.#proxy) plan.#exit = this.#exit;
    return plan;
  }

  /** Holds the session to another plan from now on, without a restart. @throws {CdpClosedError} when the browser is gone */
  async adopt(plan: SessionEgress, signal: AbortSignal): Promise<void> {
    this.#proxy = plan.#proxy;
    this.#limits = plan.#limits;
    this.#exit = plan.#exit;
    await this.#configure(signal);
  }

  /** Why the last connection to where a URL leads did not come about; undefined where nothing is known of it. */
  findProblem(url: string): EgressRefusal | EgressFailure | undefined {
    if (!URL.canParse(url)) return undefined;
    const { protocol, hostname, port } = new URL(url);
    const usual = protocol === 'https:' ? 443 : 80;
    return this.#browser?.proxy.lastProblem(hostname.replace(/^\[|\]$/g, ''), port === '' ? usual : Number(port));
  }

  /** Whether its owner has used up what their sessions may move: it is cut off then, until they have more again. */
  holdToQuota(isSpent: boolean): void {
    if (this.#isQuotaSpent === isSpent) return;
    this.#isQuotaSpent = isSpent;
    this.#applyRules();
  }

  async #configure(signal: AbortSignal): Promise<void> {
    if (this.#browser === undefined || this.#sessionId === undefined) return;
    const { itself } = this.#browser;
    const { blockedTypes } = this.#deps.planBlocking(this.#limits.blockResources ?? []);
    const isBlocking = blockedTypes.length + (itself.spec.blockedTypes ?? []).length > 0;
    if (isBlocking) await itself.setBlockedTypes(blockedTypes, signal);
    this.#applyRules();
  }

  #applyRules(): void {
    if (this.#browser === undefined || this.#sessionId === undefined) return;
    const { allowedDomains, blockedDomains = [], blockResources = [], trafficLimitMb = null } = this.#limits;
    const rules: EgressRules = {
      upstreams: this.#proxy?.opened.source,
      allowedDomains,
      blockedDomains,
      findBlocked: this.#deps.planBlocking(blockResources).findBlocked,
      trafficLimitBytes: trafficLimitMb === null ? null : trafficLimitMb * BYTES_PER_MB,
      isQuotaSpent: this.#isQuotaSpent,
    };
    this.#browser.proxy.configure(rules, this.#deps.listener(this.#sessionId));
  }
}
