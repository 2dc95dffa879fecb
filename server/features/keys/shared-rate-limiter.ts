import { createHash } from 'node:crypto';

import { AppError } from '../../lib/app-error.ts';
import { type RateDecision, type RateLimit, type RateLimiter, SLOTS_PER_WINDOW } from '../../lib/rate-limiter.ts';

/**
 * Counts as `LocalRateLimiter` does, in one step, by the clock of the server: KEYS[1] is a hash of counts by slot; ARGV: how many in which
 * span of milliseconds, and how many slots that has. Returns 0 when one more was let through, otherwise after how many milliseconds the next is.
 */
const TEXT = `
local most, window, slots = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local slot = window / slots
local index = math.floor(now / slot)
local counts, total = {}, 0
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  local each, count = tonumber(all[at]), tonumber(all[at + 1])
  if each < index - slots then
    redis.call('HDEL', KEYS[1], all[at])
  else
    counts[#counts + 1] = { each, count }
    total = total + count
  end
end
if total < most then
  redis.call('HINCRBY', KEYS[1], string.format('%d', index), 1)
  redis.call('PEXPIRE', KEYS[1], math.ceil(window + 2 * slot))
  return 0
end
table.sort(counts, function (one, other) return one[1] < other[1] end)
local excess, gone = total - most + 1, index
for _, each in ipairs(counts) do
  excess = excess - each[2]
  if excess <= 0 then
    gone = each[1]
    break
  end
end
return math.max(1, math.ceil((gone + slots + 1) * slot - now))
`;
const SCRIPT = { text: TEXT, sha: createHash('sha1').update(TEXT).digest('hex') } as const;
const PREFIX = 'guise:rate:';

/** What runs scripts in Redis. */
export interface ScriptRunner {
  /** @throws {AppError} DEPENDENCY_UNAVAILABLE */
  run(
    script: { readonly text: string; readonly sha: string },
    input: { readonly keys: readonly string[]; readonly args: readonly string[] },
  ): Promise<unknown>;
}

/** A `RateLimiter` for all nodes together. While Redis cannot be asked each node counts for itself: nobody is kept out for that. */
export class SharedRateLimiter implements RateLimiter {
  readonly #redis: ScriptRunner;
  readonly #local: RateLimiter;

  constructor(redis: ScriptRunner, local: RateLimiter) {
    this.#redis = redis;
    this.#local = local;
  }

  async take(key: string, limit: RateLimit): Promise<RateDecision> {
    const args = [limit.most, limit.windowMs, SLOTS_PER_WINDOW].map(String);
    try {
      const retryAfterMs = Number(await this.#redis.run(SCRIPT, { keys: [`${PREFIX}${key}`], args }));
      return { isAllowed: retryAfterMs === 0, retryAfterMs };
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'DEPENDENCY_UNAVAILABLE') throw error;
      return this.#local.take(key, limit);
    }
  }
}
