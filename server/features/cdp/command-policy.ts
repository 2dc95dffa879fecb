import { ALLOWED_COMMANDS } from './allowed-commands.ts';
import { checkParams, type OwnFolders, type Params } from './command-checks.ts';
import { type CheckName, RESTRICTED_COMMANDS, type Restriction } from './restricted-commands.ts';

/** What is done with a command of that name. `unknown`: it is in no table. */
export type Verdict = Restriction | { readonly verdict: 'allow' } | { readonly verdict: 'unknown' };

const ALLOW: Verdict = { verdict: 'allow' };
const UNKNOWN: Verdict = { verdict: 'unknown' };

const VERDICTS: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  ...Object.entries(ALLOWED_COMMANDS).flatMap(([domain, [, names]]) =>
    names
      .trim()
      .split(/\s+/)
      .map((name) => [`${domain}.${name}`, ALLOW] as const),
  ),
  ...Object.entries(RESTRICTED_COMMANDS),
]);

/** Outcome of looking at a whole command: why it is refused, or the message to send in its place. */
export type Inspected = { readonly refused: string } | { readonly message: Params };

/** What is done with a command of this name, whatever its parameters. */
export function verdictOf(method: string): Verdict {
  return VERDICTS.get(method) ?? UNKNOWN;
}

function isObject(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What JSON makes of a text that must be an object; undefined when it is none. */
function parseObject(text: string): Params | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a whole command that may have any parameters. */
export function readCommand(text: string): Inspected {
  const message = parseObject(text);
  if (message === undefined) return { refused: 'it is not JSON' };
  const { params = {} } = message;
  return isObject(params) ? { message } : { refused: 'its params must be an object' };
}

/**
 * Looks at a whole command of which the policy wants to see the parameters.
 *
 * What may go on is what was looked at, written anew: a text that two parsers could read in two ways does not get through.
 */
export function inspectCommand(text: string, check: CheckName, folders: OwnFolders): Inspected {
  const message = parseObject(text);
  if (message === undefined) return { refused: 'it is not JSON' };
  const { params = {} } = message;
  if (!isObject(params)) return { refused: 'its params must be an object' };
  if (check === 'innerMessage') return inspectInner(message, params, folders);
  const checked = checkParams(check, params, folders);
  return 'refused' in checked ? checked : { message: { ...message, params: checked.params } };
}

/** A command in a command is held against the same tables. */
function inspectInner(outer: Params, params: Params, folders: OwnFolders): Inspected {
  const { message: text } = params;
  if (typeof text !== 'string') return { refused: 'its message must be a string' };
  const inner = parseObject(text);
  if (typeof inner?.['method'] !== 'string') return { refused: 'the command inside must name its method' };
  const inspected = inspectNested(inner, inner['method'], folders);
  if ('refused' in inspected) return { refused: `it holds ${inner['method']}, and ${inspected.refused}` };
  return { message: { ...outer, params: { ...params, message: JSON.stringify(inspected.message) } } };
}

function inspectNested(inner: Params, method: string, folders: OwnFolders): Inspected {
  const verdict = verdictOf(method);
  switch (verdict.verdict) {
    case 'allow':
      return { message: inner };
    case 'inspect':
    case 'rewrite':
      return inspectCommand(JSON.stringify(inner), verdict.check, folders);
    case 'refuse':
      return { refused: verdict.why };
    case 'leave':
      return { refused: 'only the outermost command may leave' };
    case 'unknown':
      return { refused: 'there is no such command' };
  }
}
