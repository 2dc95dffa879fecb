import type { NavigateResult } from '@guise/contract';

import { AppError } from '../../lib/app-error.ts';
import type { EgressFailure, EgressRefusal } from '../egress/index.ts';
import type { SessionEgress } from './session-egress.ts';

/** Statuses of the pages that the egress answers with itself: for what is refused, and for what a proxy does not do. */
const OWN_STATUSES: readonly (number | null)[] = [403, 502];

/** What Chromium calls what the system says of a connection. */
const NET_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'ERR_CONNECTION_REFUSED',
  ECONNRESET: 'ERR_CONNECTION_RESET',
  EHOSTUNREACH: 'ERR_ADDRESS_UNREACHABLE',
  ENETUNREACH: 'ERR_ADDRESS_UNREACHABLE',
  ETIMEDOUT: 'ERR_CONNECTION_TIMED_OUT',
};

/** What Chromium would have called it, had it made the connection itself; undefined for what only a proxy can do. */
function toNetError(problem: EgressRefusal | EgressFailure): string | undefined {
  if (problem.reason === 'name_not_resolved') return 'ERR_NAME_NOT_RESOLVED';
  if (problem.reason !== 'unreachable') return undefined;
  const code = 'code' in problem ? problem.code : undefined;
  return NET_ERRORS[code ?? ''] ?? 'ERR_CONNECTION_FAILED';
}

/** What Chromium calls a connection that its proxy did not make. */
const PROXY_ERRORS: readonly (string | undefined)[] = ['ERR_TUNNEL_CONNECTION_FAILED', 'ERR_EMPTY_RESPONSE'];

function toError(problem: EgressRefusal | EgressFailure, cause?: unknown): AppError {
  const { host, port, reason, why } = problem;
  const netError = toNetError(problem);
  const place = `${host}:${port}`;
  if (netError !== undefined)
    return new AppError('NAVIGATION_FAILED', `${place} could not be reached: ${why}`, {
      extensions: { netError },
      cause,
    });
  if (reason.startsWith('proxy_'))
    return new AppError('PROXY_FAILED', `${place} could not be reached: ${why}`, { extensions: { reason }, cause });
  return new AppError('EGRESS_REFUSED', `${place} may not be reached: ${why}`, { extensions: { reason }, cause });
}

/**
 * Runs a navigation, and says why the egress let it fail where Chromium can only say that its proxy did.
 *
 * @throws {AppError} EGRESS_REFUSED, PROXY_FAILED, and what `navigate` throws
 */
export async function explainNavigation(
  egress: Pick<SessionEgress, 'findProblem'> | undefined,
  url: string,
  navigate: () => Promise<NavigateResult>,
): Promise<NavigateResult> {
  try {
    const result = await navigate();
    const problem = OWN_STATUSES.includes(result.status) ? egress?.findProblem(result.url) : undefined;
    if (problem !== undefined) throw toError(problem);
    return result;
  } catch (error) {
    if (!(error instanceof AppError) || !PROXY_ERRORS.includes(error.extensions.netError)) throw error;
    const problem = egress?.findProblem(url);
    throw problem === undefined ? error : toError(problem, error);
  }
}
