import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

import { CheckFailureReason, EgressFailureReason, type ProxyExit, RefusalReason } from '@guise/contract';

import { isTimeout, toError } from '../../lib/deadline.ts';
import type { Destination, Upstream, UpstreamSource } from '../egress/index.ts';
import { type EchoAnswer, requestEcho } from './echo-request.ts';
import { exitIn } from './exit-place.ts';
import type { GeoTable } from './geo-table.ts';
import { CheckFailure, checkFailed, noSuchProxy } from './proxy-failures.ts';
import type { ProxyHealth } from './proxy-health.ts';
import type { ProxyPasswords } from './proxy-passwords.ts';
import type { ProxyRecord } from './proxy-record.ts';
import type { CheckOutcome, ProxyRepository } from './proxy-repository.ts';
import { describeUpstream } from './proxy-url.ts';

/** All of a check, fail-over included. */
const CHECK_TIMEOUT_MS = 10_000;

/**
 * Connects to a destination through an upstream proxy. May reject with an error whose `reason` is an {EgressFailureReason} or a
 * {RefusalReason}; one of the
 * system means that the proxy does not answer. The caller must destroy the stream.
 */
export type DialUpstream = (upstream: Upstream, destination: Destination, signal: AbortSignal) => Promise<Duplex>;

export interface ProxyCheckerDeps {
  readonly proxies: ProxyRepository;
  readonly passwords: ProxyPasswords;
  readonly health: ProxyHealth;
  readonly geoTable: GeoTable;
  readonly dial: DialUpstream;
  /** Answers with the address it is asked from, as text or as JSON with an `ip`. */
  readonly echoUrl: URL;
}

/** What a check through one proxy came to. */
type Attempt = { readonly exit: ProxyExit; readonly answer: EchoAnswer } | CheckFailure;

function reasonOf(error: unknown): CheckFailureReason | undefined {
  const reason = error instanceof Error && 'reason' in error ? error.reason : undefined;
  if (RefusalReason.enum.some((each) => each === reason)) return 'not_allowed';
  return CheckFailureReason.enum.find((each) => each === reason);
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

/** How a session would have seen that failure; undefined: not at all. */
function asOutcome({ reason }: CheckFailure): EgressFailureReason | undefined {
  if (reason === 'timed_out') return 'proxy_unreachable';
  return EgressFailureReason.enum.find((each) => each === reason);
}

async function dialDirectly({ host, port }: Destination, signal: AbortSignal): Promise<Duplex> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? error : new CheckFailure('unreachable', { cause: error });
  }
}

/** Looks where connections come out, by asking the echo server, and tells the country by the table. */
export class ProxyChecker {
  readonly #deps: ProxyCheckerDeps;

  constructor(deps: ProxyCheckerDeps) {
    this.#deps = deps;
  }

  /**
   * Checks a stored proxy and writes down what came of it; gives what is stored then.
   *
   * @throws {AppError} PROXY_CHECK_FAILED with the reason; PROXY_NOT_FOUND where it was deleted meanwhile; and the signal's reason
   */
  async check(record: ProxyRecord, signal: AbortSignal): Promise<ProxyRecord> {
    const upstream = await this.#deps.passwords.toUpstream(record);
    const attempt = await this.#attempt(upstream, AbortSignal.timeout(CHECK_TIMEOUT_MS), signal);
    const checked = await this.#writeDown(record, attempt);
    if (attempt instanceof CheckFailure) throw checkFailed(`the proxy ${describeUpstream(upstream)}`, attempt);
    if (checked === undefined) throw noSuchProxy(record.id);
    return checked;
  }

  /**
   * Looks where the connections of a session come out: through the proxy that is the first to answer, or directly.
   *
   * @throws {AppError} PROXY_CHECK_FAILED, also where no country is known for the address; and the signal's reason
   */
  async findExit(
    opened: { readonly source: UpstreamSource; describe(): string } | undefined,
    signal: AbortSignal,
  ): Promise<ProxyExit> {
    const deadline = AbortSignal.timeout(CHECK_TIMEOUT_MS);
    const attempt =
      opened === undefined
        ? await this.#attempt(undefined, deadline, signal)
        : await this.#attemptInTurn(opened.source, deadline, signal);
    const subject = opened === undefined ? 'this node' : `the proxy ${opened.describe()}`;
    if (attempt instanceof CheckFailure) throw checkFailed(subject, attempt);
    if (attempt.exit.country === null) throw checkFailed(subject, new CheckFailure('place_unknown'));
    return attempt.exit;
  }

  async #attemptInTurn(source: UpstreamSource, deadline: AbortSignal, signal: AbortSignal): Promise<Attempt> {
    let attempt: Attempt = new CheckFailure('proxy_unreachable');
    for (const upstream of source.choose()) {
      attempt = await this.#attempt(upstream, deadline, signal);
      await this.#tell(source, upstream, attempt);
      if (!(attempt instanceof CheckFailure) || deadline.aborted) break;
    }
    return attempt;
  }

  async #tell(source: UpstreamSource, upstream: Upstream, attempt: Attempt): Promise<void> {
    const { proxyId } = upstream;
    const record = proxyId === undefined ? undefined : await this.#deps.proxies.find(proxyId);
    if (record !== undefined) {
      await this.#writeDown(record, attempt);
      return;
    }
    const outcome = attempt instanceof CheckFailure ? asOutcome(attempt) : 'connected';
    if (outcome !== undefined) source.report(upstream, outcome);
  }

  #writeDown(record: ProxyRecord, attempt: Attempt): Promise<ProxyRecord | undefined> {
    const outcome: CheckOutcome =
      attempt instanceof CheckFailure
        ? { isOk: false, reason: attempt.reason }
        : { isOk: true, exit: attempt.exit, connectMs: attempt.answer.connectMs, latencyMs: attempt.answer.latencyMs };
    this.#deps.health.reportCheck(record.id, outcome.isOk);
    return this.#deps.proxies.recordCheck(record, outcome);
  }

  /** @throws the reason of `signal` alone: what the deadline breaks off is a result. */
  async #attempt(upstream: Upstream | undefined, deadline: AbortSignal, signal: AbortSignal): Promise<Attempt> {
    const { dial, echoUrl, geoTable } = this.#deps;
    try {
      const answer = await requestEcho(
        echoUrl,
        (...to) => (upstream === undefined ? dialDirectly(...to) : dial(upstream, ...to)),
        AbortSignal.any([deadline, signal]),
      );
      return { answer, exit: exitIn(geoTable.findCountry(answer.address) ?? null, answer.address) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CheckFailure) return error;
      const reason = deadline.aborted || isTimeout(error) ? 'timed_out' : reasonOf(error);
      // What is neither a result of dialling nor of the system is a mistake of ours.
      if (reason === undefined && !isSystemError(error)) throw error;
      return new CheckFailure(reason ?? 'proxy_unreachable', { cause: toError(error) });
    }
  }
}
