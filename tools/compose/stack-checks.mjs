import { Buffer } from 'node:buffer';
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { URL } from 'node:url';
import { promisify } from 'node:util';

import { ROOT } from '../setup/paths.mjs';
import { docker, hasImage, until } from './docker.mjs';

const PORT = 18_080;
const PROJECT = 'guise-check';
const UP_TIMEOUT_MS = 10 * 60_000;
/** Where no registry can be reached, this may be here under its old name. */
const S3_STAND_IN = 'minio/minio:latest';

/** The stack under a name and with secrets of its own. */
class Stack {
  #folder = mkdtempSync(path.join(tmpdir(), 'guise-stack-'));

  get key() {
    return readFileSync(path.join(this.#folder, 'secrets/api-keys'), 'utf8').split(':')[2];
  }

  async prepare() {
    const settings = path.join(this.#folder, 'settings');
    const script = path.join(ROOT, 'cloud/make-secrets.sh');
    await promisify(execFile)('sh', [script, path.join(this.#folder, 'secrets'), settings]);
    // The stand-in knows its buckets only by an address.
    const more = {
      S3_ENDPOINT: 'http://172.25.255.10:9000',
      GATEWAY_HTTP_PORT: PORT,
      GATEWAY_HTTPS_PORT: PORT + 1,
      MAX_SESSIONS: 6,
      WARM_POOL_SIZE: 1,
      NODE_MEMORY: '2g',
    };
    appendFileSync(
      settings,
      Object.entries(more)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    const wanted = /S3_IMAGE:-([^}]+)/.exec(readFileSync(path.join(ROOT, 'docker-compose.cloud.yml'), 'utf8'))[1];
    if (!(await hasImage(wanted)) && (await hasImage(S3_STAND_IN))) await docker(['tag', S3_STAND_IN, wanted]);
  }

  compose(...args) {
    const files = ['-f', 'docker-compose.cloud.yml', '--env-file', path.join(this.#folder, 'settings')];
    return docker(['compose', '-p', PROJECT, ...files, ...args], { timeoutMs: UP_TIMEOUT_MS });
  }

  async scaleTo(count) {
    await this.compose('up', '-d', '--no-build', '--wait', '--wait-timeout', '150', '--scale', `browser-pool=${count}`);
  }

  async close() {
    await this.compose('down', '-v', '--timeout', '20');
    rmSync(this.#folder, { recursive: true });
  }
}

/** One request through the gateway. @param what such as `GET /health` */
function send(stack, what, body) {
  const [method, address] = what.split(' ');
  const headers = { 'x-api-key': stack.key, ...(body && { 'content-type': 'application/json' }) };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { port: PORT, host: '127.0.0.1', method, path: address, headers, agent: false },
      (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = /json/.test(response.headers['content-type'] ?? '');
          resolve({
            status: response.statusCode,
            headers: response.headers,
            json: isJson ? JSON.parse(text) : undefined,
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.setTimeout(60_000, () => outgoing.destroy(new Error(`No answer to ${what}`)));
    outgoing.end(body && JSON.stringify(body));
  });
}

/** Spaced so that the gateway's own limits are not what is measured. */
async function sendMany(stack, count, address) {
  const answers = [];
  for (let index = 0; index < count; index += 1) {
    answers.push(await send(stack, `GET ${address}`));
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
  return answers;
}

/** Whether the CDP endpoint of a session is upgraded through the gateway. */
function canUpgrade(stack, cdpUrl) {
  const { pathname, search } = new URL(cdpUrl);
  const headers = {
    'x-api-key': stack.key,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'Z3Vpc2UgY2hlY2tzIGl0IQ==',
  };
  return new Promise((resolve) => {
    const outgoing = request({ port: PORT, host: '127.0.0.1', path: pathname + search, headers, agent: false });
    outgoing.on('upgrade', (_response, socket) => {
      socket.destroy();
      resolve(true);
    });
    outgoing.on('response', () => resolve(false));
    outgoing.on('error', () => resolve(false));
    outgoing.end();
  });
}

/** The addresses of nodes that the gateway has asked. */
async function askedNodes(stack) {
  const log = await stack.compose('logs', '--no-log-prefix', 'api-gateway');
  const addresses = log.matchAll(/"node":"([^"]+)"/g);
  return new Set([...addresses].flatMap(([, list]) => list.split(', ')));
}

async function checkSessions(stack, checks) {
  const created = [];
  for (let index = 0; index < 3; index += 1)
    created.push(await send(stack, 'POST /api/sessions', { startUrl: 'about:blank' }));
  checks.check(
    'sessions are created',
    created.every(({ status }) => status === 201),
    created.map(({ status }) => status).join(),
  );
  for (const { json: session } of created.filter(({ status }) => status === 201)) {
    const seen = await sendMany(stack, 4, `/api/sessions/${session.id}`);
    checks.check(
      `any node knows the session of ${session.nodeId}`,
      seen.every(({ status }) => status === 200),
    );
    const executed = await send(stack, `POST /api/sessions/${session.id}/execute`, { code: '6 * 7' });
    checks.check('and runs a script in it', executed.json?.result === 42);
    checks.check('and leads a CDP client to it', await canUpgrade(stack, session.cdpUrl));
  }
}

async function checkNodes(stack, checks) {
  const before = await askedNodes(stack);
  await stack.scaleTo(3);
  await until('the new nodes are asked, without a reload', async () => {
    await sendMany(stack, 6, '/api/sessions');
    return (await askedNodes(stack)).size >= before.size + 2;
  });
  checks.check('nodes that have come take part without a reload', true);
  const [victim] = (await stack.compose('ps', '-q', 'browser-pool')).split('\n');
  await docker(['kill', '-s', 'KILL', victim]);
  const answers = await sendMany(stack, 12, '/api/sessions');
  checks.check(
    'every request after a kill is answered',
    answers.every(({ status }) => status === 200),
    answers.map(({ status }) => status).join(),
  );
}

/** The whole stack, as an operator would bring it up. */
export async function checkStack(checks) {
  console.log('The stack');
  const stack = new Stack();
  await stack.prepare();
  try {
    await stack.scaleTo(1);
    const health = await send(stack, 'GET /health');
    checks.check('it is healthy', health.status === 200, JSON.stringify(health.json));
    checks.check('the gateway tells no version', health.headers.server === 'nginx');
    const metrics = await send(stack, 'GET /metrics');
    checks.check('metrics are for inside', metrics.status === 403 && metrics.json?.code === 'ORIGIN_NOT_ALLOWED');
    await checkSessions(stack, checks);
    await checkNodes(stack, checks);
  } catch (error) {
    console.log(await stack.compose('logs', '--tail', '20').catch(() => ''));
    throw error;
  } finally {
    await stack.close();
  }
}
