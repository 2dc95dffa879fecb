import type { Protocol } from 'devtools-protocol';

import { AppError } from '../lib/app-error.ts';
import type { CdpSession } from './cdp-connection.ts';
import { stopPage } from './stop-page.ts';

const DESCRIBE_ERROR = `function () {
  return { name: String(this.name), message: String(this.message), stack: String(this.stack) };
}`;
const DESCRIBE_TIMEOUT_MS = 1_000;

interface PageErrorText {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** Asks the thrown object itself; undefined where it does not answer. */
async function askThrown(session: CdpSession, objectId: string): Promise<PageErrorText | undefined> {
  try {
    const { result, exceptionDetails } = await session.send(
      'Runtime.callFunctionOn',
      { objectId, functionDeclaration: DESCRIBE_ERROR, returnByValue: true, silent: true },
      AbortSignal.timeout(DESCRIBE_TIMEOUT_MS),
    );
    return exceptionDetails === undefined ? (result.value as PageErrorText) : undefined;
  } catch {
    // The page's own getters run here; where they fail, or never end, what the browser noted will do.
    await stopPage(session);
    return undefined;
  }
}

/** What the browser noted about something thrown. A primitive has no more than its value. */
function noted({ exception, text }: Protocol.Runtime.ExceptionDetails): PageErrorText {
  if (exception === undefined) return { name: 'Error', message: text, stack: '' };
  const { description, className, type } = exception;
  const value: unknown = exception.value;
  const message = description ?? (typeof value === 'string' ? value : text);
  return { name: className ?? type, message, stack: description ?? '' };
}

async function describeThrown(session: CdpSession, details: Protocol.Runtime.ExceptionDetails): Promise<PageErrorText> {
  const objectId = details.exception?.objectId;
  const answer = objectId === undefined ? undefined : await askThrown(session, objectId);
  return answer ?? noted(details);
}

/** What a page threw, as the failure of the request that made it. */
export async function toScriptFailure(
  session: CdpSession,
  details: Protocol.Runtime.ExceptionDetails,
): Promise<AppError> {
  const pageError = await describeThrown(session, details);
  return new AppError('SCRIPT_FAILED', `${pageError.name}: ${pageError.message}`, { extensions: { pageError } });
}
