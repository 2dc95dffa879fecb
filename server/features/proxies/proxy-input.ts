import type { CreateProxy, UpdateProxy } from '@guise/contract';

import { invalidField } from '../../lib/app-error.ts';
import type { Upstream } from '../egress/index.ts';
import { findLanguageTag, findTimezone, isSpoken, listTimezones } from '../identity/index.ts';
import { defaultPort, findCredentialFault, normalizeHost, parseProxyUrl } from './proxy-url.ts';
import type { ProxyRecord } from './proxy-record.ts';
import type { ProxyChanges } from './proxy-repository.ts';

/** What a client says of a proxy beside its address and credentials. */
type Labels = Pick<
  ProxyChanges,
  | 'country'
  | 'city'
  | 'timezone'
  | 'locale'
  | 'latitude'
  | 'longitude'
  | 'rotationGroup'
  | 'rotationUrl'
  | 'tags'
  | 'notes'
  | 'isActive'
>;

/** Address and credentials, the password in clear; absent members stay as they are. */
export interface AddressChanges extends Pick<ProxyChanges, 'protocol' | 'host' | 'port' | 'username'> {
  readonly password?: string | null | undefined;
}

const PARTS = ['protocol', 'host', 'port', 'username', 'password'] as const;

function refuseUrlWithParts(input: CreateProxy | UpdateProxy): void {
  const part = PARTS.find((each) => input[each] !== undefined);
  if (input.url !== undefined && part !== undefined)
    throw invalidField(`/${part}`, 'is part of the url, which is given');
}

function checkHost(host: string): string {
  const normal = normalizeHost(host);
  if (normal === undefined) throw invalidField('/host', 'must be a host name or an IP address, without a port');
  return normal;
}

function checkCredentials(upstream: Pick<Upstream, 'protocol' | 'username' | 'password'>): void {
  const fault = findCredentialFault(upstream);
  if (fault !== undefined) throw invalidField('/username', `the proxy ${fault}`);
}

/** The address of a new proxy, by its URL or its parts. @throws {AppError} VALIDATION_FAILED */
export function readNewAddress(input: CreateProxy): Upstream {
  refuseUrlWithParts(input);
  if (input.url !== undefined) return parseProxyUrl(input.url, '/url');
  const { protocol, host, username, password } = input;
  if (protocol === undefined || host === undefined) {
    const missing = protocol === undefined ? 'protocol' : 'host';
    throw invalidField(`/${missing}`, 'is needed where there is no url');
  }
  const { port = defaultPort(protocol) } = input;
  const upstream = { protocol, host: checkHost(host), port, username, password };
  checkCredentials(upstream);
  return upstream;
}

/** What changes of a proxy's address; a URL replaces all of it. @throws {AppError} VALIDATION_FAILED */
export function readAddressChanges(input: UpdateProxy, record: ProxyRecord): AddressChanges {
  refuseUrlWithParts(input);
  if (input.url !== undefined) {
    const { protocol, host, port, username = null, password = null } = parseProxyUrl(input.url, '/url');
    return { protocol, host, port, username, password };
  }
  const { protocol, port, username, password } = input;
  const host = input.host === undefined ? undefined : checkHost(input.host);
  // Without a user name there is nothing a password would be of.
  const changes = { protocol, host, port, username, password: username === null ? (password ?? null) : password };
  checkMerged(changes, record);
  return changes;
}

function checkMerged(changes: AddressChanges, record: ProxyRecord): void {
  const username = changes.username === undefined ? record.username : changes.username;
  checkCredentials({
    protocol: changes.protocol ?? record.protocol,
    username: username ?? undefined,
    password: changes.password ?? undefined,
  });
}

/**
 * What a client says of a proxy, names of time zones and languages as Chromium has them.
 *
 * @throws {AppError} VALIDATION_FAILED for one that does not exist
 */
export function readLabels(input: CreateProxy | UpdateProxy): Labels {
  const { country, city, latitude, longitude, rotationGroup, rotationUrl, tags, notes, isActive } = input;
  if (typeof country === 'string' && listTimezones(country).length === 0) {
    throw invalidField('/country', `there is no country ${country}`);
  }
  return {
    country,
    city,
    latitude,
    longitude,
    rotationGroup,
    rotationUrl,
    tags,
    notes,
    isActive,
    timezone: readTimezone(input.timezone),
    locale: readLocale(input.locale),
  };
}

function readTimezone(name: string | null | undefined): string | null | undefined {
  if (typeof name !== 'string') return name;
  const timezone = findTimezone(name);
  if (timezone === undefined) throw invalidField('/timezone', `${name} is not the IANA name of a time zone`);
  return timezone;
}

function readLocale(name: string | null | undefined): string | null | undefined {
  if (typeof name !== 'string') return name;
  const locale = findLanguageTag(name);
  if (locale === undefined || !isSpoken(locale))
    throw invalidField('/locale', `Chromium does not know the language ${name}`);
  return locale;
}
