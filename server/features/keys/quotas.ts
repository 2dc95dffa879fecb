import type { KeyQuotas } from '@guise/contract';

import type { Actor } from '../../lib/actor.ts';
import { AppError } from '../../lib/app-error.ts';
import type { RateLimiter } from '../../lib/rate-limiter.ts';
import type { KeyRepository } from './key-repository.ts';

const MINUTE_MS = 60_000;
/** Nobody knows when a session of the tenant ends; then it may be worth another try. Seconds. */
const SESSIONS_RETRY_SECONDS = 5;
/** Where a month is used up, a client that asks every hour learns of a higher quota soon enough. Seconds. */
const TRAFFIC_RETRY_SECONDS = 3_600;

interface QuotasDeps {
  readonly keys: Pick<KeyRepository, 'findUsage'>;
  readonly limiter: RateLimiter;
}

/** The refusal of what would exceed a quota. */
function quotaExceeded(quota: keyof KeyQuotas, detail: string, retryAfterSeconds: number): AppError {
  return new AppError('QUOTA_EXCEEDED', detail, { extensions: { quota, retryAfterSeconds } });
}

/** Holds keys to how much they may use. */
export class Quotas {
  readonly #deps: QuotasDeps;

  constructor(deps: QuotasDeps) {
    this.#deps = deps;
  }

  /**
   * Counts one create and refuses it where it is too much. How many sessions there are at once is looked at again, exactly, when the session is
   * written: here it spares a client the wait in line.
   *
   * @throws {AppError} QUOTA_EXCEEDED
   */
  async checkCreate({ tenantId, quotas, keyId }: Actor): Promise<void> {
    const { maxSessions, maxCreatesPerMinute, maxTrafficBytesPerMonth } = quotas;
    if (tenantId !== null && (maxSessions !== null || maxTrafficBytesPerMonth !== null)) {
      const usage = await this.#deps.keys.findUsage(tenantId);
      if (maxSessions !== null && usage.sessions >= maxSessions) throw this.sessionsExceeded(maxSessions);
      if (maxTrafficBytesPerMonth !== null && usage.trafficBytesThisMonth >= maxTrafficBytesPerMonth) {
        const detail = `This key may move ${maxTrafficBytesPerMonth} bytes in a month, and has`;
        throw quotaExceeded('maxTrafficBytesPerMonth', detail, TRAFFIC_RETRY_SECONDS);
      }
    }
    await this.#checkRate('maxCreatesPerMinute', { keyId, most: maxCreatesPerMinute, what: 'ask for sessions' });
  }

  /** The refusal of one more session of a tenant at once. */
  sessionsExceeded(most: number): AppError {
    return quotaExceeded('maxSessions', `This key may have ${most} sessions at once`, SESSIONS_RETRY_SECONDS);
  }

  /** Counts one request. @throws {AppError} QUOTA_EXCEEDED */
  async checkRequest({ keyId, quotas }: Pick<Actor, 'keyId' | 'quotas'>): Promise<void> {
    const most = quotas.maxRequestsPerMinute;
    await this.#checkRate('maxRequestsPerMinute', { keyId, most, what: 'make requests' });
  }

  async #checkRate(
    quota: keyof KeyQuotas,
    { keyId, most, what }: { readonly keyId: string | null; readonly most: number | null; readonly what: string },
  ): Promise<void> {
    if (keyId === null || most === null) return;
    const { isAllowed, retryAfterMs } = await this.#deps.limiter.take(`${quota}:${keyId}`, {
      most,
      windowMs: MINUTE_MS,
    });
    if (isAllowed) return;
    throw quotaExceeded(quota, `This key may ${what} ${most} times a minute`, Math.ceil(retryAfterMs / 1_000));
  }
}
