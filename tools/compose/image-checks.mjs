import { randomBytes } from 'node:crypto';

import { onInterruption } from '../setup/last-wishes.mjs';
import { docker, until } from './docker.mjs';

const IMAGE = 'guise:local';
const BUILD_TIMEOUT_MS = 30 * 60_000;
const MEGABYTE = 1_000_000;
const HARDENED = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges:true'];
const PROFILE = ['--security-opt', 'seccomp=cloud/config/seccomp.json'];

/** Builds the image and says how large it is, layer by layer. */
export async function buildImage() {
  const startedAt = performance.now();
  await docker(['build', '-q', '-f', 'docker/Dockerfile.cloud', '-t', IMAGE, '.'], { timeoutMs: BUILD_TIMEOUT_MS });
  console.log(`Built ${IMAGE} in ${Math.round((performance.now() - startedAt) / 1_000)} s`);
  const size = Number(await docker(['image', 'inspect', IMAGE, '--format', '{{.Size}}']));
  const history = await docker([
    'history',
    '--human=false',
    '--no-trunc',
    '--format',
    '{{.Size}}\t{{.CreatedBy}}',
    IMAGE,
  ]);
  for (const line of history.split('\n')) {
    const [bytes, step = ''] = line.split('\t');
    if (Number(bytes) < MEGABYTE / 10) continue;
    console.log(`  ${(bytes / MEGABYTE).toFixed(1).padStart(7)} MB  ${step.replace(/\s+/g, ' ').slice(0, 110)}`);
  }
  console.log(`  ${(size / MEGABYTE).toFixed(1).padStart(7)} MB  in all`);
}

/** Runs in the container: a session without a window and one with, each with a page that answers. */
const USE_SESSIONS = `
const call = async (method, path, body) => {
  const response = await fetch('http://127.0.0.1:3000' + path, {
    method, headers: body && { 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, json: (() => { try { return JSON.parse(text); } catch { return {}; } })() };
};
const results = [];
for (const options of [{ headless: true }, { headless: false }]) {
  const startedAt = performance.now();
  const created = await call('POST', '/api/sessions', { ...options, startUrl: 'data:text/html,<title>here</title>' });
  const executed = await call('POST', '/api/sessions/' + created.json.id + '/execute', { code: '6 * 7' });
  results.push({ status: created.status, detail: created.json.detail, result: executed.json.result, ms: Math.round(performance.now() - startedAt) });
}
console.log(JSON.stringify(results));
`;

/** Runs in the container: how each renderer is held. */
const LOOK_AT_RENDERERS = `
const { readdirSync, readFileSync, readlinkSync } = require('node:fs');
const own = readlinkSync('/proc/self/ns/user');
const found = [];
for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
  try {
    const args = readFileSync('/proc/' + pid + '/cmdline', 'utf8');
    if (!args.startsWith('/usr/lib/chromium/') || !args.includes('--type=renderer')) continue;
    const status = readFileSync('/proc/' + pid + '/status', 'utf8');
    const value = (name) => new RegExp('^' + name + ':\\\\s*(.*)$', 'm').exec(status)?.[1];
    found.push({ isBare: args.includes('--no-sandbox'), filters: Number(value('Seccomp_filters') ?? 0), mode: value('Seccomp'),
      levels: value('NSpid').split(/\\s+/).length, user: value('Uid').split(/\\s+/)[0] });
  } catch {}
}
console.log(JSON.stringify(found));
`;

/** A network with a PostgreSQL, for a node that runs by itself. `close` removes all of it. */
class Bench {
  #name = `guise-image-${randomBytes(3).toString('hex')}`;
  #password = randomBytes(12).toString('hex');
  #containers = [];

  async open() {
    await docker(['network', 'create', this.#name]);
    const settings = ['-e', `POSTGRES_PASSWORD=${this.#password}`, '-e', 'POSTGRES_USER=guise'];
    await this.#run('postgres', [...settings, '--tmpfs', '/var/lib/postgresql/data', 'postgres:17']);
    const database = `${this.#name}-postgres`;
    await until('PostgreSQL answers', () =>
      docker(['exec', database, 'pg_isready', '-q', '-h', '127.0.0.1', '-U', 'guise']).then(() => true),
    );
  }

  async #run(name, args) {
    const container = `${this.#name}-${name}`;
    await docker(['run', '-d', '--name', container, '--network', this.#name, ...args]);
    this.#containers.push(container);
    return container;
  }

  /** Starts a node, not as part of a cloud: what is looked at is the image. */
  async startNode(name, options) {
    const url = `postgres://guise:${this.#password}@${this.#name}-postgres:5432/guise`;
    const settings = { CLOUD_MODE: 'false', NODE_ENV: 'development', DATABASE_URL: url, WARM_POOL_SIZE: '0' };
    const variables = Object.entries(settings).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
    const room = ['--shm-size', '1g', '--tmpfs', '/tmp:mode=1777,size=512m', '--memory', '4g', '--pids-limit', '4096'];
    const node = await this.#run(name, [...HARDENED, ...room, ...variables, ...options, IMAGE]);
    const health = ['inspect', node, '--format', '{{.State.Health.Status}}'];
    await until(`${name} is healthy`, async () => (await docker(health)) === 'healthy').catch(async (error) => {
      throw new Error(`${error.message}\n${await docker(['logs', '--tail', '10', node])}`, { cause: error });
    });
    return node;
  }

  async close() {
    for (const container of this.#containers.reverse()) await docker(['rm', '-f', '-v', container]);
    await docker(['network', 'rm', this.#name]).catch(() => undefined); // It was never made.
  }
}

const evaluate = async (node, script) =>
  JSON.parse(
    (await docker(['exec', node, 'node', '--input-type=module', '-e', script], { timeoutMs: 120_000 })) || '[]',
  );
const evaluateCommonJs = async (node, script) => JSON.parse(await docker(['exec', node, 'node', '-e', script]));

async function checkHardenedNode(bench, checks) {
  const node = await bench.startNode('hardened', [...PROFILE, '-e', 'BROWSER_SANDBOX=on']);
  for (const [index, { status, result, detail, ms }] of (await evaluate(node, USE_SESSIONS)).entries()) {
    const kind = index === 0 ? 'without a window' : 'with a window';
    checks.check(
      `a session ${kind} works, with Chromium's own sandbox`,
      status === 201 && result === 42,
      detail ?? `${ms} ms`,
    );
  }
  const renderers = await evaluateCommonJs(node, LOOK_AT_RENDERERS);
  checks.check(
    'each renderer is in namespaces of its own and behind filters of its own',
    renderers.length >= 2 &&
      renderers.every(({ isBare, mode, levels, filters }) => !isBare && mode === '2' && levels > 1 && filters > 1),
    JSON.stringify(renderers),
  );
  checks.check('it runs as a user of its own', (await docker(['exec', node, 'id', '-un'])) === 'browser');
  const write = await docker(['exec', node, 'sh', '-c', 'touch /opt/guise/x 2>&1 || echo refused']);
  checks.check('its image cannot be written to', write.includes('Read-only') && write.includes('refused'));
  const startedAt = performance.now();
  await docker(['stop', '-t', '60', node], { timeoutMs: 90_000 });
  const code = await docker(['inspect', node, '--format', '{{.State.ExitCode}}']);
  checks.check(
    'it stops by itself when it is told to',
    code === '0',
    `${Math.round(performance.now() - startedAt)} ms`,
  );
}

/** The same without the profile: the sandbox cannot be had, and is not silently left out; without it, all works. */
async function checkFallback(bench, checks) {
  const refusing = await bench.startNode('refusing', ['-e', 'BROWSER_SANDBOX=on']);
  const refused = await evaluate(refusing, USE_SESSIONS);
  checks.check(
    "under the engine's own profile no browser starts without its sandbox",
    refused.every(({ status }) => status === 502),
  );
  const fallback = await bench.startNode('fallback', ['-e', 'BROWSER_SANDBOX=off']);
  const served = await evaluate(fallback, USE_SESSIONS);
  checks.check(
    'with BROWSER_SANDBOX=off it does',
    served.every(({ result }) => result === 42),
  );
}

/** What is promised of the image, looked at in containers that may as little as in the stack. */
export async function checkImage(checks) {
  console.log('The image');
  const bench = new Bench();
  const takeBack = onInterruption(() => bench.close());
  try {
    await bench.open();
    await checkHardenedNode(bench, checks);
    await checkFallback(bench, checks);
  } finally {
    takeBack();
    await bench.close();
  }
}
