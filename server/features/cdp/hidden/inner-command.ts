import type { Params } from '../command-checks.ts';
import { treatmentOf } from './hidden-commands.ts';

/**
 * Why a command inside of `Target.sendMessageToTarget` is refused; undefined when it may go on.
 *
 * The sessions these commands go to have no place in the protocol where the gateway could answer for the browser.
 */
export function innerRefusal({ message }: Params): string | undefined {
  const { method } = JSON.parse(String(message)) as Params;
  if (typeof method !== 'string' || treatmentOf(method) === undefined) return undefined;
  return `it holds ${method}, which has to come without it here: attach with flatten: true`;
}
