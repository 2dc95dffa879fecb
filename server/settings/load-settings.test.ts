import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { chooseMode, loadSettings, SettingsError } from './load-settings.ts';

function messageOf(env: Record<string, string>): string {
  try {
    loadSettings(env);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as Error).message;
  }
  throw new Error('The settings were accepted');
}

describe('settings', () => {
  it('start a useful server with no environment at all', () => {
    expect(loadSettings({})).toMatchObject({
      mode: 'development',
      host: '127.0.0.1',
      port: 3_000,
      maxSessions: 100,
      sessionTimeoutMs: 1_800_000,
      warmPoolSize: 5,
      queueLimit: 100,
      queueTimeoutMs: 30_000,
      cdpPortBase: 9_222,
      cdpPortCount: 101,
    });
  });

  it('list everything that is wrong at once', () => {
    const message = messageOf({
      PORT: 'http',
      MAX_SESSIONS: '0',
      WARM_POOL_SIZE: '1.5',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://user:hunter2@db/x',
    });
    for (const name of ['PORT', 'MAX_SESSIONS', 'WARM_POOL_SIZE', 'LOG_LEVEL', 'DATABASE_URL']) {
      expect(message).toContain(`- ${name}: `);
    }
    expect(message).toContain('must be one of debug, info, warn, error, silent');
  });

  it('never show a secret, not even a wrong one', () => {
    expect(messageOf({ DATABASE_URL: 'mysql://user:hunter2@db/x' })).not.toContain('hunter2');
  });

  it('list what contradicts another setting together with what is wrong by itself', () => {
    const message = messageOf({ PORT: 'abc', MAX_SESSIONS: '500', HOST: '0.0.0.0' });
    for (const part of ['PORT: ', 'MAX_SESSIONS=500', 'HOST="0.0.0.0"']) expect(message).toContain(part);
    const inCloud = messageOf({ CLOUD_MODE: 'true', PORT: 'abc' });
    for (const part of ['PORT: ', 'DATABASE_URL is not set']) expect(inCloud).toContain(part);
    expect(messageOf({ MAX_SESSIONS: 'many' })).not.toContain('needs as many');
  });

  it('refuse limits that contradict each other', () => {
    expect(messageOf({ MAX_SESSIONS: '200' })).toContain('CDP_PORT_COUNT is 101');
    expect(messageOf({ CDP_PORT_BASE: '65500' })).toContain('beyond port 65535');
  });

  it('refuse to show the keyless development server to the network', () => {
    expect(messageOf({ HOST: '0.0.0.0' })).toContain('listens on 127.0.0.1');
  });

  it('refuse what this version would not obey, and only warn where that is harmless', () => {
    expect(messageOf({ REDIS_URL: 'redis://a' })).toContain('REDIS_URL is for the cloud server');
    expect(loadSettings({ NODE_URL: 'http://a' }).ignored).toEqual(['NODE_URL']);
  });

  it('are obeyed by the cloud server where they are for it', () => {
    const env = { CLOUD_MODE: 'true', DATABASE_URL: 'postgres://db/guise', REDIS_URL: 'redis://cache' };
    const settings = loadSettings({ ...env, API_KEYS: 'me:admin:0123456789abcdef01234567', NODE_URL: 'http://a' });
    expect(settings).toMatchObject({ mode: 'cloud', host: '0.0.0.0', nodeUrl: 'http://a', ignored: [] });
    expect(settings.trustedProxies).toContain('loopback');
    expect(loadSettings({}).trustedProxies).toEqual([]);
    expect(messageOf({ TRUSTED_PROXIES: '10.0.0.0/8, gateway' })).toContain('TRUSTED_PROXIES is not a list of');
  });

  it('read keys, and say what is wrong with one without showing its secret', () => {
    const SECRET = '0123456789abcdef01234567';
    expect(loadSettings({ API_KEYS: `me:admin:${SECRET}, you:user:${SECRET}:8` }).apiKeys).toEqual([
      { name: 'me', role: 'admin', secret: SECRET },
      { name: 'you', role: 'user', secret: `${SECRET}:8` },
    ]);
    expect(loadSettings({}).apiKeys).toEqual([]);
    for (const [keys, why] of [
      ['me', 'entry 1 is not name:role:secret'],
      [`me:root:${SECRET}`, 'the role of "me" must be one of viewer, user, operator, admin'],
      ['me:admin:hunter2', '24 characters'],
      [`me:admin:${SECRET} 1`, 'characters other than'],
      [`me:admin:${SECRET},me:user:${SECRET}1`, 'the name of another'],
      [`me:admin:${SECRET},you:user:${SECRET}`, 'the secret of another'],
    ] as const) {
      const message = messageOf({ API_KEYS: keys });
      expect(message).toContain(`API_KEYS: `);
      expect(message).toContain(why);
      expect(message).not.toMatch(/hunter2|0123456789abcdef/);
    }
  });

  it('take an S3 server whole or not at all, and name what is missing of it', () => {
    const whole = {
      S3_ENDPOINT: 'http://minio:9000',
      S3_BUCKET: 'guise',
      S3_REGION: 'us-east-1',
      S3_ACCESS_KEY_ID: 'key',
      S3_SECRET_ACCESS_KEY: 'hunter2',
    };
    expect(loadSettings({}).s3).toBeUndefined();
    expect(loadSettings(whole).s3).toEqual({
      endpoint: 'http://minio:9000',
      bucket: 'guise',
      region: 'us-east-1',
      accessKeyId: 'key',
      secretAccessKey: 'hunter2',
      forcePathStyle: true,
    });
    expect(loadSettings({ ...whole, S3_FORCE_PATH_STYLE: 'false' }).s3).toMatchObject({ forcePathStyle: false });

    const names = Object.keys(whole);
    for (const missing of names) {
      const message = messageOf({ ...whole, [missing]: '' });
      expect(message.match(/\w+(?= is not set)/g)).toEqual([missing]);
      expect(message).not.toContain('hunter2');
    }
    expect(messageOf({ S3_REGION: 'us-east-1' }).match(/\w+(?= is not set)/g)).toEqual(
      names.filter((name) => name !== 'S3_REGION'),
    );
  });

  it('take no S3 address with a key or a bucket in it', () => {
    expect(messageOf({ S3_ENDPOINT: 'http://key:secret@minio:9000' })).toContain('S3_ENDPOINT: ');
    expect(messageOf({ S3_ENDPOINT: 'http://minio:9000/guise' })).toContain('S3_ENDPOINT: ');
  });

  it('name everything the cloud server is missing', () => {
    const message = messageOf({ CLOUD_MODE: 'true' });
    for (const name of ['DATABASE_URL', 'REDIS_URL', 'API_KEYS']) expect(message).toContain(`${name} is not set`);
  });

  it('read a secret from the file its variable with _FILE names', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'guise-settings-'));
    try {
      const file = path.join(folder, 'database-url');
      await writeFile(file, 'postgres://user:secret@db/guise\n');
      expect(loadSettings({ DATABASE_URL_FILE: file }).databaseUrl).toBe('postgres://user:secret@db/guise');
      expect(messageOf({ DATABASE_URL_FILE: `${file}-gone` })).toContain('DATABASE_URL_FILE');
      expect(messageOf({ DATABASE_URL_FILE: file, DATABASE_URL: 'postgres://db/other' })).toContain('both set');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    [{ CLOUD_MODE: 'true' }, 'cloud'],
    [{ NODE_ENV: 'production' }, 'cloud'],
    [{ CLOUD_MODE: 'false' }, 'development'],
    [{}, 'development'],
  ])('choose the server for %o: %s', (env, mode) => {
    expect(chooseMode(env)).toBe(mode);
  });
});
