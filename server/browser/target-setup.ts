import { arch } from 'node:os';

import type { Protocol } from 'devtools-protocol';

import type { SetupCommand } from './browser-identity.ts';
import type { BrowserHost, BrowserSpec } from './browser-spec.ts';
import type { CdpSession } from './cdp-connection.ts';
import { desktopClientHints, NO_CLIENT_HINTS } from './client-hints.ts';
import { plannedUserAgent } from './launch-plan.ts';

/** What is set on every target of a browser before its first script runs, because no flag can say it. */
export interface TargetSetup {
  readonly userAgent: Protocol.Emulation.SetUserAgentOverrideRequest | undefined;
  readonly locale: string | undefined;
  readonly geolocation: Protocol.Emulation.SetGeolocationOverrideRequest | undefined;
}

const GEOLOCATION_ACCURACY_METERS = 50;

/**
 * What to say beside a user agent set by flag, which empties the client hints; undefined when none is set.
 *
 * Our own gets the hints of the same browser. Which would fit a client's own we cannot know: no brand at all is then
 * better than one that contradicts it.
 */
function planUserAgent(spec: BrowserSpec, version: string): TargetSetup['userAgent'] {
  const userAgent = plannedUserAgent(spec, version);
  if (userAgent === undefined) return undefined;
  const userAgentMetadata = spec.userAgent === undefined ? desktopClientHints(version, arch()) : NO_CLIENT_HINTS;
  return { userAgent, userAgentMetadata };
}

/** The part of a spec that flags cannot say, or undefined when there is none and targets are left alone. Pure. */
export function planTargetSetup(spec: BrowserSpec, host: BrowserHost): TargetSetup | undefined {
  const userAgent = planUserAgent(spec, host.version);
  const { locale, geolocation } = spec;
  if (userAgent === undefined && locale === undefined && geolocation === undefined) return undefined;
  return {
    userAgent,
    locale,
    geolocation: geolocation && { accuracy: GEOLOCATION_ACCURACY_METERS, ...geolocation },
  };
}

/**
 * The part of a set-up that every CDP session of a target has to have: one that has not takes `navigator.platform` back to the
 * host's, when its target moves to another process and when it ends (Chromium 156; nothing else is taken back). Pure.
 */
export function planSharedOverrides(setup: TargetSetup | undefined): readonly SetupCommand[] {
  return setup?.userAgent === undefined
    ? []
    : [{ method: 'Emulation.setUserAgentOverride', params: { ...setup.userAgent } }];
}

/**
 * Applies the set-up to one target and lets it run. Resolves when the browser has taken all of it.
 *
 * Everything is sent at once, the release last: a paused target may answer nothing before it is released, so waiting
 * for one answer before sending the next could wait for ever.
 */
export async function applyTargetSetup(session: CdpSession, type: string, setup: TargetSetup): Promise<void> {
  const isDocument = type === 'page' || type === 'iframe';
  const { userAgent, locale, geolocation } = setup;
  await Promise.allSettled([
    userAgent && session.send('Emulation.setUserAgentOverride', userAgent),
    locale !== undefined && session.send('Emulation.setLocaleOverride', { locale }),
    isDocument && geolocation && session.send('Emulation.setGeolocationOverride', geolocation),
    session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true }),
    session.send('Runtime.runIfWaitingForDebugger'),
  ]);
}
