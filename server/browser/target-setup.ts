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

/** All that a target of a type gets, in order. Pure. */
export function listSetupCommands(
  type: string,
  { commands, script }: Pick<TargetSetup, 'commands' | 'script'>,
): readonly SetupCommand[] {
  const kind = kindOf(type);
  if (kind === undefined) return [];
  if (script === undefined) return commands[kind];
  return [...commands[kind], ...scriptCommands(script, kind === 'worker' ? 'worker' : 'document')];
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
  // A set-up is data, checked by nobody but the browser.
  const { send } = session as { readonly send: (method: string, params: object) => Promise<unknown> };
  await Promise.allSettled([
    ...listSetupCommands(target.type, setup).map(({ method, params }) => send(method, params)),
    session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true }),
    release(session),
  ]);
}
