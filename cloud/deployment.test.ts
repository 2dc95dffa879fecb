import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { SETTINGS } from '../server/settings/settings-table.ts';
import { openTestDirectory } from '../server/testing/test-directory.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const read = (file: string): Promise<string> => readFile(path.join(ROOT, file), 'utf8');

interface Service {
  readonly image: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly depends_on?: unknown;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const readCompose = async (): Promise<Compose> =>
  parse(await read('docker-compose.cloud.yml'), { merge: true }) as Compose;

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

describe('the image', () => {
  it('is made of named files alone, and runs as a user of its own', async () => {
    expect((await read('.dockerignore')).split('\n').find((line) => line && !line.startsWith('#'))).toBe('*');
    const dockerfile = await read('docker/Dockerfile.cloud');
    expect(dockerfile).toMatch(/^USER browser:browser$/m);
    expect(dockerfile).toMatch(/^EXPOSE 3000 9222-9322$/m);
  });
});

describe('the stack', () => {
  it('gives no container more than it needs', async () => {
    const { services } = await readCompose();
    for (const [name, service] of Object.entries(services)) {
      expect(service.security_opt, name).toContain('no-new-privileges:true');
      if (name === 'minio') continue; // Not an image of a kind we know.
      expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    }
    expect(services['browser-pool']?.security_opt).toContain('seccomp:${GUISE_SECCOMP:-./cloud/config/seccomp.json}');
  });

  it('has no secret by default: each comes from a file or a variable that has to be set', async () => {
    const { services, secrets } = await readCompose();
    for (const { file } of Object.values(secrets)) expect(file).toMatch(/^\$\{GUISE_SECRETS:\?.*\}\/[a-z0-9.-]+$/);
    for (const { environment = {}, secrets: used = [] } of Object.values(services)) {
      for (const [name, value] of Object.entries(environment)) {
        if (!/PASSWORD|SECRET|KEY|_URL/.test(name)) continue;
        expect(`${name}=${value}`).toMatch(/=\/run\/secrets\/[a-z0-9-]+$|=\$\{\w+:\?.*\}$/);
      }
      for (const secret of used) expect(Object.keys(secrets)).toContain(secret);
    }
  });

  it('has each of its settings in .env.example, with the same default', async () => {
    const compose = await read('docker-compose.cloud.yml');
    const example = await read('.env.example');
    const used = new Set(
      [...compose.matchAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g)].map(([, name = '', kind, value]) =>
        kind === '?' ? `${name}=` : `${name}=${value ?? ''}`,
      ),
    );
    for (const setting of used) expect(example).toMatch(toLine(setting));
  });
});

/** What an environment may name: a setting, or the file of one that is secret. */
const KNOWN = new Set(
  Object.values(SETTINGS).flatMap(({ variable, secret }) => (secret ? [variable, `${variable}_FILE`] : [variable])),
);

it('gives nodes settings that the service has, and secrets as files alone', async () => {
  const { services } = await readCompose();
  const given = Object.keys(services['browser-pool']?.environment ?? {});
  expect(given.length).toBeGreaterThan(10);
  expect(given.filter((name) => !KNOWN.has(name))).toEqual([]);
  const secrets = Object.values(SETTINGS).flatMap(({ variable, secret }) => (secret ? [variable] : []));
  expect(given.filter((name) => secrets.includes(name))).toEqual([]);
});

function toLine(setting: string): RegExp {
  // What is a fallback is shown as what it falls back to.
  const switched = {
    'BROWSER_SANDBOX=on': 'BROWSER_SANDBOX=off',
    'GUISE_SECCOMP=./cloud/config/seccomp.json': 'GUISE_SECCOMP=builtin',
  };
  const line = switched[setting as keyof typeof switched] ?? setting;
  return new RegExp(`^(# )?${RegExp.escape(line)}$`, 'm');
}

describe('the script that makes secrets', () => {
  const run = async (root: string): Promise<string> =>
    (await promisify(execFile)('sh', [path.join(root, 'cloud/make-secrets.sh')])).stdout;

  it('makes every secret of the stack, long and closed, and keeps what is there', async () => {
    const root = await openTestDirectory(stack);
    await mkdir(path.join(root, 'cloud'));
    await cp(path.join(ROOT, 'cloud/make-secrets.sh'), path.join(root, 'cloud/make-secrets.sh'));
    const folder = path.join(root, 'secrets');
    const contents = async (): Promise<Record<string, string>> =>
      Object.fromEntries(
        await Promise.all(
          (await readdir(folder)).map(async (name) => [name, await readFile(path.join(folder, name), 'utf8')] as const),
        ),
      );

    await run(root);
    const made = await contents();
    const { secrets } = await readCompose();
    expect(Object.keys(made).toSorted()).toEqual(Object.keys(secrets).toSorted());
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(root, '.env'))).mode & 0o777).toBe(0o600);
    expect(made['api-keys']).toMatch(/^bootstrap:admin:[0-9a-f]{48}$/);
    expect(made['profile-encryption-key']).toMatch(/^[0-9a-f]{64}$/);
    expect(made['database-url']).toBe(`postgres://guise:${made['postgres-password']}@postgres:5432/guise`);
    expect(await readFile(path.join(root, '.env'), 'utf8')).toContain(`S3_SECRET_ACCESS_KEY=${made['s3-secret-key']}`);

    expect(await run(root)).toContain('kept api-keys');
    expect(await contents()).toEqual(made);
  });
});

describe('the seccomp profile', () => {
  it('lets Chromium have a sandbox, and nobody mount, load or trace the kernel', async () => {
    interface Rule {
      readonly names: readonly string[];
      readonly action: string;
      readonly args?: unknown;
    }
    const { defaultAction, syscalls } = JSON.parse(await read('cloud/config/seccomp.json')) as {
      defaultAction: string;
      syscalls: Rule[];
    };
    expect(defaultAction).toBe('SCMP_ACT_ERRNO');
    const allowed = syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && args === undefined);
    const names = new Set(allowed.flatMap((rule) => rule.names));
    for (const name of ['clone', 'clone3', 'unshare', 'setns', 'chroot']) expect(names).toContain(name);
    const kernel = [
      'mount',
      'pivot_root',
      'move_mount',
      'bpf',
      'perf_event_open',
      'init_module',
      'kexec_load',
      'keyctl',
    ];
    for (const name of [...kernel, 'reboot', 'userfaultfd', 'io_uring_setup']) expect(names).not.toContain(name);
  });
});
