import { arch } from 'node:os';

import type { Protocol } from 'devtools-protocol';

import { isTimeout } from '../lib/deadline.ts';
import type { BrowserIdentity, SetupCommand } from './browser-identity.ts';
import type { BrowserHost, BrowserSpec } from './browser-spec.ts';
import type { CdpSession } from './cdp-connection.ts';
import { desktopClientHints, NO_CLIENT_HINTS } from './client-hints.ts';
import { asksBeforeSetup, mendFirstRequest } from './first-request.ts';
import { plannedUserAgent } from './launch-plan.ts';

/** What is set on every target of a browser before its first script runs, because no flag can say it. */
export interface TargetSetup extends Pick<BrowserIdentity, 'commands' | 'script'> {
  /** What `commands` say of the user agent; undefined when they leave it alone. */
  readonly userAgent: BrowserIdentity['userAgent'] | undefined;
}

const GEOLOCATION_ACCURACY_METERS = 50;

/** A target that has not taken its release after so long is released again: whatever held it up, no page may hang for it. */
const RELEASE_AGAIN_MS = 3_000;
const RELEASES = 5;

/**
 * What to say beside a user agent set by flag, which empties the client hints; undefined when none is set.
 *
 * Our own gets the hints of the same browser. Which would fit a client's own we cannot know: no brand at all is then
 * better than one that contradicts it.
 */
function planUserAgent(spec: BrowserSpec, version: string): Protocol.Emulation.SetUserAgentOverrideRequest | undefined {
  const userAgent = plannedUserAgent(spec, version);
  if (userAgent === undefined) return undefined;
  const userAgentMetadata = spec.userAgent === undefined ? desktopClientHints(version, arch()) : NO_CLIENT_HINTS;
  return { userAgent, userAgentMetadata };
}

/** The part of a spec that flags cannot say, or undefined when there is none and targets are left alone. Pure. */
export function planTargetSetup(spec: BrowserSpec, host: BrowserHost): TargetSetup | undefined {
  if (spec.identity !== undefined) return spec.identity;
  const userAgent = planUserAgent(spec, host.version);
  const { locale, geolocation } = spec;
  const everywhere: SetupCommand[] = [];
  if (userAgent !== undefined) {
    everywhere.push({ method: 'Emulation.setUserAgentOverride', params: { ...userAgent } });
  }
  if (locale !== undefined) everywhere.push({ method: 'Emulation.setLocaleOverride', params: { locale } });
  const position = { accuracy: GEOLOCATION_ACCURACY_METERS, ...geolocation };
  const documents =
    geolocation === undefined
      ? everywhere
      : [...everywhere, { method: 'Emulation.setGeolocationOverride', params: position }];
  if (documents.length === 0) return undefined;
  return { commands: { page: documents, frame: documents, worker: everywhere }, script: undefined, userAgent };
}

function kindOf(type: string): keyof TargetSetup['commands'] | undefined {
  if (type === 'page') return 'page';
  if (type === 'iframe' || type === 'webview' || type === 'background_page') return 'frame';
  return /work(er|let)$/.test(type) ? 'worker' : undefined;
}

/** Has a script run before any other of a target's. Without `Page.enable` a document's would silently never run. */
function scriptCommands(source: string, kind: 'document' | 'worker'): SetupCommand[] {
  if (kind === 'worker') return [{ method: 'Runtime.evaluate', params: { expression: source } }];
  return [
    { method: 'Page.enable', params: {} },
    // The first document of a frame in a process of its own is there already, paused.
    { method: 'Page.addScriptToEvaluateOnNewDocument', params: { source, runImmediately: true } },
  ];
}

/**
 * What Chromium keeps for a whole process, in the name of the target that said it first: the same from another target of that process
 * is refused, and it ends with the first one.
 */
const PROCESS_WIDE = 'Emulation.setLocaleOverride';

/** A dedicated worker lives in the process of its document and would take with it what it had said for all. */
const SHARES_PROCESS = 'worker';

/** All that a target of a type gets, in order. Pure. */
export function listSetupCommands(
  type: string,
  { commands, script }: Pick<TargetSetup, 'commands' | 'script'>,
): readonly SetupCommand[] {
  const kind = kindOf(type);
  if (kind === undefined) return [];
  const own = commands[kind].filter(({ method }) => type !== SHARES_PROCESS || method !== PROCESS_WIDE);
  if (script === undefined) return own;
  return [...own, ...scriptCommands(script, kind === 'worker' ? 'worker' : 'document')];
}

/** What the remaining targets have to say again when one of a type has gone. Pure. */
export function listRenewals(goneType: string, setup: TargetSetup): readonly SetupCommand[] {
  return goneType === SHARES_PROCESS ? [] : setup.commands.page.filter(({ method }) => method === PROCESS_WIDE);
}

/** Sends commands of a set-up, at once. Never rejects: one that is refused changes nothing. */
export async function sendCommands(session: CdpSession, commands: readonly SetupCommand[]): Promise<void> {
  // A set-up is data, checked by nobody but the browser.
  const { send } = session as { readonly send: (method: string, params: object) => Promise<unknown> };
  await Promise.allSettled(commands.map(({ method, params }) => send(method, params)));
}

/**
 * The part of a set-up that every CDP session of a target has to have: one that has not takes `navigator.platform` back to the
 * host's, when its target moves to another process and when it ends (Chromium 156; nothing else is taken back). Pure.
 */
export function planSharedOverrides(setup: TargetSetup | undefined): readonly SetupCommand[] {
  return setup?.commands.frame.filter(({ method }) => method === 'Emulation.setUserAgentOverride') ?? [];
}

async function release(session: CdpSession): Promise<void> {
  for (let count = 0; count < RELEASES; count += 1) {
    try {
      await session.send('Runtime.runIfWaitingForDebugger', undefined, AbortSignal.timeout(RELEASE_AGAIN_MS));
      return;
    } catch (error) {
      // Refused or gone: there is nobody left to wait for.
      if (!isTimeout(error)) return;
    }
  }
}

/**
 * Applies the set-up to one target and lets it run. Resolves, never rejects, when the browser has taken all of it.
 *
 * Everything is sent at once, the release last: a paused target may answer nothing before it is released, so waiting
 * for one answer before sending the next could wait for ever.
 */
export async function applyTargetSetup(
  session: CdpSession,
  target: Protocol.Target.TargetInfo,
  setup: TargetSetup,
): Promise<void> {
  const hints = setup.userAgent?.userAgentMetadata;
  if (hints !== undefined && asksBeforeSetup(target)) mendFirstRequest(session, hints);
  await Promise.allSettled([
    sendCommands(session, listSetupCommands(target.type, setup)),
    session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true }),
    release(session),
  ]);
}
