import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';

import proxyAddress from '@fastify/proxy-addr';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';

import { type ApiKeySetting, parseApiKeys } from './parse-api-keys.ts';
import { type Setting, SETTINGS, type SettingValues } from './settings-table.ts';

/** The environment as the operating system gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Which of the two servers to run. */
export type Mode = 'development' | 'cloud';

/** All settings, checked, with what follows from several of them or from the host filled in. */
export type Settings = Readonly<
  Omit<
    SettingValues,
    | 'host'
    | 'nodeId'
    | 'extensionsDir'
    | 'drainTimeoutMs'
    | 'profileEncryptionKey'
    | 'apiKeys'
    | 'trustedProxies'
    | keyof typeof S3_PARTS
    | 's3ForcePathStyle'
  > & {
    mode: Mode;
    host: string;
    nodeId: string;
    drainTimeoutMs: number;
    /** Absolute. */
    dataDir: string;
    /** Absolute. */
    extensionsDir: string;
    apiKeys: readonly ApiKeySetting[];
    /** Addresses, networks and names of such, whose word on where a request came from is taken. */
    trustedProxies: readonly string[];
    /** 32 bytes; undefined: the installation's own is used. */
    profileEncryptionKey: Buffer | undefined;
    /** Where objects are kept; undefined: below the data folder. */
    s3: S3Settings | undefined;
    /** Settings that are set and not obeyed by this version, for a warning. */
    ignored: readonly string[];
  }
>;

/** A bucket of an S3 server, and the key to it. */
export interface S3Settings {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly forcePathStyle: boolean;
}

/** The environment is wrong; the message lists everything that is, one line each. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';

  constructor(problems: readonly string[]) {
    super(['These settings are wrong:', ...problems.map((each) => `  - ${each}`)].join('\n'));
  }
}

/** Who stops a development server waits for it; who stops a node of a cloud wants its clients to come to an end. */
const CLOUD_DRAIN_TIMEOUT_MS = 30_000;
/** Where gateways and other nodes usually are. */
const CLOUD_TRUSTED_PROXIES = 'loopback,linklocal,uniquelocal';
const LOOPBACK_HOSTS = ['127.0.0.1', '::1', 'localhost'];
/** What an S3 server is described by, all of it or none: their names in the table and in the environment. */
const S3_PARTS = {
  s3Endpoint: 'S3_ENDPOINT',
  s3Bucket: 'S3_BUCKET',
  s3Region: 'S3_REGION',
  s3AccessKeyId: 'S3_ACCESS_KEY_ID',
  s3SecretAccessKey: 'S3_SECRET_ACCESS_KEY',
} as const;
/** What the cloud server cannot do without. */
const CLOUD_NEEDS = ['DATABASE_URL', 'REDIS_URL', 'API_KEYS'] as const;

/** Chooses the server: the cloud one where it is asked for or where Node runs in production. */
export function chooseMode(env: Environment): Mode {
  return env['CLOUD_MODE'] === 'true' || env['CLOUD_MODE'] === '1' || env['NODE_ENV'] === 'production'
    ? 'cloud'
    : 'development';
}

/** The text of a setting: its variable, or for a secret the file that `NAME_FILE` names. */
function readText({ variable, secret }: Setting, env: Environment, problems: string[]): string | undefined {
  const file = secret ? env[`${variable}_FILE`] : undefined;
  if (file === undefined || file === '') return env[variable] === '' ? undefined : env[variable];
  if (env[variable] !== undefined) problems.push(`${variable} and ${variable}_FILE are both set; only one may be`);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    problems.push(`${variable}_FILE=${JSON.stringify(file)}: the file cannot be read`);
    return undefined;
  }
}

/** Text to the type of its schema. What does not fit is left as text, for the schema to refuse. */
function toTyped(schema: TSchema, text: string): unknown {
  const type = 'type' in schema ? schema.type : undefined;
  if (type === 'integer') return /^-?\d+$/.test(text) ? Number(text) : text;
  if (type === 'boolean') return { true: true, '1': true, false: false, '0': false }[text] ?? text;
  return text;
}

function readSetting(setting: Setting, env: Environment, problems: string[]): unknown {
  const { variable, schema, secret } = setting;
  const text = readText(setting, env, problems);
  if (text === undefined) return Value.Default(schema, undefined);
  const value = toTyped(schema, text);
  const [first] = Value.Errors(schema, value);
  if (first !== undefined) {
    const shown = secret ? 'its value (not shown)' : JSON.stringify(text);
    problems.push(`${variable}: ${shown} ${describeError(first.message, schema)}`);
  }
  return value;
}

function describeError(message: string, schema: TSchema): string {
  if ('enum' in schema && Array.isArray(schema.enum)) return `must be one of ${schema.enum.join(', ')}`;
  return message;
}

function isSet({ variable, secret }: Setting, env: Environment): boolean {
  return Boolean(env[variable]) || (secret && Boolean(env[`${variable}_FILE`]));
}

/** Rules that concern more than one setting. A value that is wrong by itself breaks none of them. */
function checkTogether(values: SettingValues, mode: Mode, env: Environment): string[] {
  const problems: string[] = [];
  const { maxSessions, cdpPortBase, cdpPortCount, host } = values;
  if (cdpPortBase !== 0 && maxSessions > cdpPortCount) {
    problems.push(`MAX_SESSIONS=${maxSessions} needs as many CDP ports, but CDP_PORT_COUNT is ${cdpPortCount}`);
  }
  if (cdpPortBase !== 0 && cdpPortBase + cdpPortCount > 65_536) {
    problems.push(`CDP_PORT_BASE=${cdpPortBase} and CDP_PORT_COUNT=${cdpPortCount} go beyond port 65535`);
  }
  if (mode === 'development' && host !== undefined && !LOOPBACK_HOSTS.includes(host)) {
    problems.push(
      `HOST="${host}": the development server needs no key, so it listens on 127.0.0.1, ::1 or localhost only`,
    );
  }
  if (mode === 'cloud') {
    const missing = CLOUD_NEEDS.filter((name) => !env[name] && !env[`${name}_FILE`]);
    problems.push(...missing.map((name) => `${name} is not set, and the cloud server needs it`));
  }
  return [...problems, ...findUnknownProxies(values), ...findMissingS3Parts(values)];
}

function listProxies(trustedProxies = ''): string[] {
  return trustedProxies
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

function findUnknownProxies({ trustedProxies }: SettingValues): string[] {
  try {
    proxyAddress.compile(listProxies(trustedProxies));
    return [];
  } catch {
    return ['TRUSTED_PROXIES is not a list of addresses, networks, loopback, linklocal and uniquelocal'];
  }
}

/** Half a description of an S3 server would leave objects in a folder that no other node sees. */
function findMissingS3Parts(values: SettingValues): string[] {
  const parts = Object.entries(S3_PARTS) as [keyof typeof S3_PARTS, string][];
  const missing = parts.filter(([key]) => values[key] === undefined);
  if (missing.length === parts.length) return [];
  return missing.map(([, name]) => `${name} is not set, and S3 needs all of ${Object.values(S3_PARTS).join(', ')}`);
}

function toS3Settings(values: SettingValues): S3Settings | undefined {
  const { s3Endpoint, s3Bucket, s3Region, s3AccessKeyId, s3SecretAccessKey, s3ForcePathStyle } = values;
  if (s3Endpoint === undefined || s3Bucket === undefined || s3Region === undefined) return undefined;
  if (s3AccessKeyId === undefined || s3SecretAccessKey === undefined) return undefined;
  return {
    endpoint: s3Endpoint,
    bucket: s3Bucket,
    region: s3Region,
    accessKeyId: s3AccessKeyId,
    secretAccessKey: s3SecretAccessKey,
    forcePathStyle: s3ForcePathStyle,
  };
}

/** The bytes of a key, whose text has been checked. */
function toKey(text: string | undefined): Buffer | undefined {
  if (text === undefined) return undefined;
  return /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
}

/** What the schema of the setting cannot say. */
function readApiKeys({ apiKeys }: SettingValues, problems: string[]): ApiKeySetting[] {
  try {
    return parseApiKeys(apiKeys ?? '');
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.push(`API_KEYS: ${error.message}`);
    return [];
  }
}

/**
 * Reads and checks all settings, once, at start.
 *
 * @throws {SettingsError} that lists everything that is wrong at once; secrets are never part of it
 */
export function loadSettings(env: Environment): Settings {
  const mode = chooseMode(env);
  const { values, ignored, problems } = readAll(env, mode);
  problems.push(...checkTogether(values, mode, env));
  const apiKeys = readApiKeys(values, problems);
  if (problems.length > 0) throw new SettingsError(problems);

  const dataDir = path.resolve(values.dataDir);
  return Object.freeze({
    ...values,
    mode,
    dataDir,
    host: values.host ?? (mode === 'cloud' ? '0.0.0.0' : '127.0.0.1'),
    nodeId: values.nodeId ?? hostname(),
    trustedProxies: listProxies(values.trustedProxies ?? (mode === 'cloud' ? CLOUD_TRUSTED_PROXIES : '')),
    drainTimeoutMs: values.drainTimeoutMs ?? (mode === 'cloud' ? CLOUD_DRAIN_TIMEOUT_MS : 0),
    extensionsDir: path.resolve(values.extensionsDir ?? path.join(dataDir, 'extensions')),
    profileEncryptionKey: toKey(values.profileEncryptionKey),
    apiKeys,
    s3: toS3Settings(values),
    ignored,
  });
}

function readAll(
  env: Environment,
  mode: Mode,
): { readonly values: SettingValues; readonly ignored: string[]; readonly problems: string[] } {
  const problems: string[] = [];
  const ignored: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries<Setting>(SETTINGS)) {
    values[key] = readSetting(setting, env, problems);
    if (mode === 'cloud' || !isSet(setting, env)) continue;
    if (setting.unavailable === 'ignored') ignored.push(setting.variable);
    if (setting.unavailable === 'cloudOnly')
      problems.push(`${setting.variable} is for the cloud server: set CLOUD_MODE=true`);
  }
  // Each value was checked against its schema; where one failed there is a problem, and nobody reads them.
  return { values: values as unknown as SettingValues, ignored, problems };
}
