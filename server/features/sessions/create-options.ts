import { stat } from 'node:fs/promises';
import path from 'node:path';

import { ALLOWED_LAUNCH_FLAGS, launchFlagName, SESSION_DEFAULTS, UNAVAILABLE_CREATE_OPTIONS } from '@guise/contract';

import { AppError, invalidField } from '../../lib/app-error.ts';
import type { StoredEgress } from './egress-options.ts';
import { type BrowserOptions, isHeadless, stealthLevelOf } from './browser-request.ts';
import type { PlacedSession } from './place-at-exit.ts';
import type { NewSession } from './session-record.ts';

const BYTES_PER_MB = 1024 ** 2;

/** Whether an option asks for anything: `persist: false` and `blockedDomains: []` do not. */
function isAskedFor(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}

function refuseUnavailable(input: PlacedSession): void {
  const errors = UNAVAILABLE_CREATE_OPTIONS.filter((option) => isAskedFor(input[option])).map((option) => ({
    path: `/${option}`,
    message: 'is not available in this version',
  }));
  if (errors.length === 0) return;
  const names = errors.map(({ path: pointer }) => pointer.slice(1)).join(', ');
  throw new AppError('OPTION_NOT_AVAILABLE', `Not available in this version: ${names}`, { extensions: { errors } });
}

function checkLaunchArgs(launchArgs: readonly string[]): void {
  const index = launchArgs.findIndex((flag) => !ALLOWED_LAUNCH_FLAGS.includes(launchFlagName(flag)));
  const refused = launchArgs[index];
  if (refused === undefined) return;
  throw invalidField(
    `/launchArgs/${index}`,
    `${launchFlagName(refused)} is not on the list of flags a client may pass`,
  );
}

/** The time zone by the name the system knows it by: `Intl` takes any spelling, and offsets, which TZ does not. */
function toTimezone(timezone: string | undefined): string | undefined {
  if (timezone === undefined) return undefined;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions();
    if (!/^[+-]/.test(timeZone)) return timeZone;
  } catch {
    // Refused below, as an offset is.
  }
  throw invalidField('/timezone', 'is not the IANA name of a time zone');
}

async function findExtension(extensionsDir: string, name: string, index: number): Promise<string> {
  const folder = path.join(extensionsDir, name);
  const manifest = await stat(path.join(folder, 'manifest.json')).catch(() => undefined);
  if (manifest?.isFile() !== true) {
    throw invalidField(`/extensions/${index}`, `there is no unpacked extension "${name}" in the extensions folder`);
  }
  return folder;
}

/**
 * Checks what no schema can say of a create request, field by field.
 *
 * @throws {AppError} OPTION_NOT_AVAILABLE, VALIDATION_FAILED
 */
export async function toBrowserOptions(input: PlacedSession, extensionsDir: string): Promise<BrowserOptions> {
  refuseUnavailable(input);
  const { extensions = [], launchArgs = [], timezone } = input;
  checkLaunchArgs(launchArgs);
  return {
    ...input,
    stealthLevel: stealthLevelOf(input),
    timezone: toTimezone(timezone),
    launchArgs,
    extensionDirs: await Promise.all(extensions.map((name, index) => findExtension(extensionsDir, name, index))),
  };
}

/** What a session gets where its create request says nothing. */
export interface SessionDefaults {
  readonly timeoutMs: number;
  readonly maxRequests: number;
  readonly memoryLimitBytes: number;
}

/** Megabytes of the API in bytes; null, for no limit, stays. */
export function toBytes(megabytes: number | null): number | null {
  return megabytes === null ? null : megabytes * BYTES_PER_MB;
}

/** The options of a request that are kept as they came: those of its way out are kept apart, and may be secret. */
function toKeptOptions(input: PlacedSession): object {
  const isKept = (name: string): boolean => !['metadata', 'proxy', 'proxyId', 'proxyRotation'].includes(name);
  return Object.fromEntries(Object.entries(input).filter(([name]) => isKept(name)));
}

/** The row of a session as a create request wants it. Pure. */
export function toNewSession(
  id: string,
  { input, egress }: { readonly input: PlacedSession; readonly egress: StoredEgress },
  defaults: SessionDefaults,
): NewSession {
  const { metadata = {}, maxRequests, memoryLimitMb } = input;
  return {
    id,
    profileId: input.profileId ?? null,
    headless: isHeadless(input),
    stealthLevel: stealthLevelOf(input),
    options: { ...toKeptOptions(input), egress },
    proxyId: egress.proxy?.id ?? null,
    metadata,
    timeoutMs: input.timeoutMs ?? defaults.timeoutMs,
    maxLifetimeMs: input.maxLifetimeMs ?? null,
    maxRequests: maxRequests === undefined ? defaults.maxRequests : maxRequests,
    memoryLimitBytes: memoryLimitMb === undefined ? defaults.memoryLimitBytes : toBytes(memoryLimitMb),
    recycle: input.recycle ?? SESSION_DEFAULTS.recycle,
  };
}
