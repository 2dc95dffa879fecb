import { type Static, type TSchema, Type } from 'typebox';

/** One setting: where it comes from and what it may be. */
export interface Setting<Schema extends TSchema = TSchema> {
  readonly variable: string;
  readonly schema: Schema;
  /** Secret values are never printed, not even in the message that says they are wrong; `NAME_FILE` may hold them. */
  readonly secret: boolean;
  /** What the development server, which does not obey it, does where it is set: refuses to start or, where that does no harm, warns. */
  readonly unavailable: 'cloudOnly' | 'ignored' | undefined;
  readonly description: string;
}

function setting<Schema extends TSchema>(variable: string, schema: Schema, description: string): Setting<Schema> {
  return { variable, schema, description, secret: false, unavailable: undefined };
}

function secret<Schema extends TSchema>(each: Setting<Schema>): Setting<Schema> {
  return { ...each, secret: true };
}

/** A setting of the cloud server that the development server must not be thought to obey. */
function cloudOnly<Schema extends TSchema>(each: Setting<Schema>): Setting<Schema> {
  return { ...each, unavailable: 'cloudOnly' };
}

/** A setting of the cloud server that the development server warns of. */
function unusedInDevelopment<Schema extends TSchema>(each: Setting<Schema>): Setting<Schema> {
  return { ...each, unavailable: 'ignored' };
}

const DAY_MS = 24 * 60 * 60_000;
const text = (options: object = {}): ReturnType<typeof Type.String> => Type.String({ minLength: 1, ...options });
const integer = (minimum: number, maximum: number, fallback: number): ReturnType<typeof Type.Integer> =>
  Type.Integer({ minimum, maximum, default: fallback });

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
const ORPHAN_MODES = ['adopt', 'end'] as const;
const SANDBOX_MODES = ['auto', 'on', 'off'] as const;

/** Every setting of the service: name, type, unit, limits, default, secret or not. There is no other list. */
export const SETTINGS = {
  cloudMode: setting('CLOUD_MODE', Type.Boolean({ default: false }), 'Runs the cloud server.'),
  port: setting('PORT', integer(0, 65_535, 3_000), 'Port of the API; 0 takes a free one.'),
  host: setting('HOST', Type.Optional(text()), 'Address to listen on. Default: 127.0.0.1, in cloud mode 0.0.0.0.'),
  logLevel: setting('LOG_LEVEL', Type.Enum(LOG_LEVELS, { default: 'info' }), 'Least level that is logged.'),
  nodeId: setting('NODE_ID', Type.Optional(text({ maxLength: 255 })), "This node's name. Default: the host's name."),
  nodeUrl: unusedInDevelopment(
    setting(
      'NODE_URL',
      Type.Optional(text({ pattern: '^https?://' })),
      'Address at which other nodes reach this one, in cloud mode. Default: its own.',
    ),
  ),
  trustedProxies: setting(
    'TRUSTED_PROXIES',
    Type.Optional(text()),
    'Proxies whose X-Forwarded headers are believed: addresses and networks, comma-separated. Default: none, in cloud mode loopback,linklocal,uniquelocal.',
  ),
  dataDir: setting('DATA_DIR', Type.String({ minLength: 1, default: './data' }), 'Folder of everything embedded.'),

  maxSessions: setting('MAX_SESSIONS', integer(1, 10_000, 100), 'Concurrent sessions on this node.'),
  sessionTimeoutMs: setting(
    'SESSION_TIMEOUT_MS',
    integer(1_000, 7 * DAY_MS, 1_800_000),
    'Milliseconds a session may be idle, unless it says otherwise.',
  ),
  queueLimit: setting('QUEUE_LIMIT', integer(0, 100_000, 100), 'Creates that may wait when the node is full.'),
  queueTimeoutMs: setting('QUEUE_TIMEOUT_MS', integer(0, 600_000, 30_000), 'Milliseconds a create may wait.'),
  warmPoolSize: setting('WARM_POOL_SIZE', integer(0, 1_000, 5), 'Browsers launched ahead of demand.'),
  warmPoolMaxAgeMs: setting(
    'WARM_POOL_MAX_AGE_MS',
    integer(1_000, 7 * DAY_MS, 1_800_000),
    'Milliseconds after which a browser nobody claimed is replaced.',
  ),
  memoryReserveMb: setting(
    'MEMORY_RESERVE_MB',
    integer(0, 10_000_000, 512),
    'Memory to stay free, in megabytes: with less, creates wait or are refused, and warm browsers are given back.',
  ),
  checkpointIntervalMs: setting(
    'CHECKPOINT_INTERVAL_MS',
    integer(1_000, DAY_MS, 10_000),
    'How often checkpoints of sessions that want any are taken, in milliseconds.',
  ),
  healthCheckIntervalMs: setting(
    'HEALTH_CHECK_INTERVAL_MS',
    integer(1_000, DAY_MS, 60_000),
    'Milliseconds between health checks of a session.',
  ),
  maxRequestsPerSession: setting(
    'MAX_REQUESTS_PER_SESSION',
    integer(1, 1_000_000_000, 1_000),
    'Requests after which a session is recycled, unless it says otherwise.',
  ),
  memoryThresholdMb: setting(
    'MEMORY_THRESHOLD_MB',
    integer(64, 1_000_000, 500),
    'Memory limit of a session in megabytes, unless it says otherwise.',
  ),
  cpuThresholdPercent: setting(
    'CPU_THRESHOLD_PERCENT',
    Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    'Share of one core a session may use for a minute before an event says so. Default: none.',
  ),
  drainTimeoutMs: setting(
    'DRAIN_TIMEOUT_MS',
    Type.Optional(Type.Integer({ minimum: 0, maximum: 7 * DAY_MS })),
    'Milliseconds a stop waits for sessions to end. Default: 0, in cloud mode 30,000.',
  ),
  orphans: setting(
    'ORPHANS',
    Type.Enum(ORPHAN_MODES, { default: 'adopt' }),
    'What happens to browsers a killed service has left: their sessions go on (adopt), or they are ended (end).',
  ),
  sessionRetentionDays: setting(
    'SESSION_RETENTION_DAYS',
    integer(1, 36_500, 30),
    'Days a session that has ended is kept in the database.',
  ),
  logRetentionDays: setting(
    'LOG_RETENTION_DAYS',
    integer(1, 36_500, 90),
    'Days events, samples and audit logs are kept.',
  ),
  cdpPortBase: setting(
    'CDP_PORT_BASE',
    integer(0, 65_535, 9_222),
    'First of the ports on which sessions are ordinary debugging ports; 0 takes free ones.',
  ),
  cdpPortCount: setting('CDP_PORT_COUNT', integer(1, 10_000, 101), 'How many such ports there are.'),

  chromiumPath: setting('CHROMIUM_PATH', Type.Optional(text()), 'Chromium. Default: looked for in the usual places.'),
  xvfbPath: setting('XVFB_PATH', Type.Optional(text()), 'Xvfb, for sessions with a window. Default: looked for.'),
  browserSandbox: setting(
    'BROWSER_SANDBOX',
    Type.Enum(SANDBOX_MODES, { default: 'auto' }),
    "Chromium's own sandbox; auto: on unless the service runs as root, where Chromium refuses it.",
  ),
  browserLaunchTimeoutMs: setting(
    'BROWSER_LAUNCH_TIMEOUT_MS',
    integer(1_000, 600_000, 30_000),
    'Milliseconds a browser may take to start.',
  ),
  extensionsDir: setting(
    'EXTENSIONS_DIR',
    Type.Optional(text()),
    'Folder of unpacked extensions sessions may ask for by name. Default: extensions below DATA_DIR.',
  ),

  profileEncryptionKey: secret(
    setting(
      'PROFILE_ENCRYPTION_KEY',
      Type.Optional(
        Type.String({
          // 32 bytes: 64 hexadecimal digits, or 43 characters of base64 with or without the sign at its end.
          pattern: '^([0-9a-fA-F]{64}|[A-Za-z0-9+/_-]{43}=?)$',
        }),
      ),
      'Key that saved states of profiles are encrypted with, 32 bytes in hex or base64. Default: one kept in the database.',
    ),
  ),

  apiKeys: secret(
    setting(
      'API_KEYS',
      Type.Optional(text()),
      'Bootstrap keys, name:role:secret, comma-separated; with any, every request needs a key.',
    ),
  ),
  metricsAllow: setting(
    'METRICS_ALLOW',
    Type.String({ default: '127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7' }),
    'Addresses that may read /metrics and /status without a key: CIDR list.',
  ),
  databaseUrl: secret(
    setting(
      'DATABASE_URL',
      Type.Optional(text({ pattern: '^postgres(ql)?://' })),
      'PostgreSQL server to use in place of the embedded one.',
    ),
  ),
  redisUrl: cloudOnly(secret(setting('REDIS_URL', Type.Optional(text({ pattern: '^rediss?://' })), 'Redis server.'))),
  s3Endpoint: setting(
    'S3_ENDPOINT',
    Type.Optional(text({ pattern: '^https?://[^/?#@]+/?$' })),
    'S3 server to keep objects on, http or https, without a bucket or keys. Default: objects below DATA_DIR.',
  ),
  s3Bucket: setting('S3_BUCKET', Type.Optional(text({ pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$' })), 'Its bucket.'),
  s3Region: setting(
    'S3_REGION',
    Type.Optional(text({ pattern: '^[a-z0-9-]+$' })),
    "Region of the bucket; most servers of one's own are in us-east-1, whatever that means to them.",
  ),
  s3AccessKeyId: secret(setting('S3_ACCESS_KEY_ID', Type.Optional(text()), 'Access key of the S3 server.')),
  s3SecretAccessKey: secret(setting('S3_SECRET_ACCESS_KEY', Type.Optional(text()), 'Secret key of the S3 server.')),
  s3ForcePathStyle: setting(
    'S3_FORCE_PATH_STYLE',
    Type.Boolean({ default: true }),
    "Whether the bucket is part of the path of addresses, as one's own servers want it, or of the host's name.",
  ),
  egressAllow: setting(
    'EGRESS_ALLOW',
    Type.Optional(text()),
    'Addresses sessions may reach beside the public ones: CIDR list, such as 10.1.0.0/16,fd00::/8.',
  ),
  egressDeny: setting('EGRESS_DENY', Type.Optional(text()), 'Addresses sessions may not reach, CIDR list.'),
  egressPorts: setting(
    'EGRESS_PORTS',
    Type.String({ minLength: 1, default: '80,443,1024-65535' }),
    'Ports sessions may reach: list of ports and ranges.',
  ),
  egressProxyAllow: setting(
    'EGRESS_PROXY_ALLOW',
    Type.Optional(text()),
    'Addresses upstream proxies may have beside the public ones, CIDR list; sessions themselves may not reach them.',
  ),
  egressProxyAuthorities: setting(
    'EGRESS_PROXY_AUTHORITIES',
    Type.Optional(text()),
    'File of certificates (PEM) of authorities that certify https upstream proxies, beside those that Node knows.',
  ),
  egressDns: setting(
    'EGRESS_DNS',
    Type.Optional(text()),
    "Name servers for sessions, such as 9.9.9.9,149.112.112.112:53. Default: the system's own way.",
  ),
  egressEchoUrl: setting(
    'EGRESS_ECHO_URL',
    Type.String({ pattern: '^https?://[^\\s/@]+(/\\S*)?$', default: 'https://api.ipify.org' }),
    'Address that answers with the address it was asked from, as text or as JSON with a member ip.',
  ),
  proxyCheckIntervalMs: setting(
    'PROXY_CHECK_INTERVAL_MS',
    integer(0, 7 * DAY_MS, 0),
    'Milliseconds between checks of each active proxy; 0: only when asked for.',
  ),
  geoDatabasePath: setting(
    'GEO_DATABASE_PATH',
    Type.Optional(text()),
    'MMDB file that tells the country of an address. Default: the one that comes with the service.',
  ),
} as const satisfies Record<string, Setting>;

type SettingTable = typeof SETTINGS;
type IsRequired<Schema extends TSchema> = Schema extends { '~optional': true } ? false : true;

/** The value of every setting, by its name in the table; one without a default may be undefined. */
export type SettingValues = Readonly<{
  [Key in keyof SettingTable]:
    Static<SettingTable[Key]['schema']> | (IsRequired<SettingTable[Key]['schema']> extends true ? never : undefined);
}>;
