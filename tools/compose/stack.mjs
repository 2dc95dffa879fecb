import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { ROOT } from '../setup/paths.mjs';
import { docker, hasImage } from './docker.mjs';

const PORT = 18_080;
const PROJECT = 'guise-check';
const UP_TIMEOUT_MS = 10 * 60_000;
/** Where no registry can be reached, this may be here under its old name. */
const S3_STAND_IN = 'minio/minio:latest';
const SITE_ADDRESS = '172.25.255.20';
/** This machine, as containers of the stack see it. */
export const HOST_ADDRESS = '172.25.0.1';

/** A site of our own under a name that the documents use, and nothing else that sessions could reach: checks need no Internet. */
const SITE = {
  services: {
    site: {
      image: 'nginx:1.30-alpine',
      command: [
        'sh',
        '-c',
        'mkdir -p /usr/share/nginx/html && echo "<!doctype html><title>Example Domain</title><p>Here." >/usr/share/nginx/html/index.html' +
          ' && echo "server { listen 80; root /usr/share/nginx/html; }" >/etc/nginx/conf.d/default.conf && exec nginx -g "daemon off;"',
      ],
      networks: { cloud: { ipv4_address: SITE_ADDRESS, aliases: ['example.com'] } },
    },
  },
};

/** The stack of docker-compose.cloud.yml under a name and with secrets of its own, and a site for its sessions. */
export class Stack {
  /** Where `secrets` are, as beside the compose file of an operator. */
  folder = mkdtempSync(path.join(tmpdir(), 'guise-stack-'));
  /** Of the site, for sessions. */
  siteUrl = 'http://example.com/';
  url = `http://127.0.0.1:${PORT}`;

  /** Of an administrator. */
  get key() {
    return this.#secret('api-keys').split(':')[2];
  }

  /** Every secret there is, to look for where none may be. */
  get secrets() {
    const names = readdirSync(path.join(this.folder, 'secrets')).filter((name) => !/url|redis\.conf/.test(name));
    return names.map((name) => [name, name === 'api-keys' ? this.key : this.#secret(name)]);
  }

  #secret(name) {
    return readFileSync(path.join(this.folder, 'secrets', name), 'utf8').trim();
  }

  /** Makes secrets as an operator does. @param settings variables of the compose file beside those every check needs */
  async prepare(settings) {
    const file = path.join(this.folder, 'settings');
    const script = path.join(ROOT, 'cloud/make-secrets.sh');
    await promisify(execFile)('sh', [script, path.join(this.folder, 'secrets'), file]);
    const all = {
      // The stand-in knows its buckets only by an address.
      S3_ENDPOINT: 'http://172.25.255.10:9000',
      GATEWAY_HTTP_PORT: PORT,
      GATEWAY_HTTPS_PORT: PORT + 1,
      NODE_MEMORY: '2g',
      EGRESS_ALLOW: `${SITE_ADDRESS}/32,${HOST_ADDRESS}/32`,
      ...settings,
    };
    this.set(all);
    writeFileSync(path.join(this.folder, 'site.json'), JSON.stringify(SITE));
    const wanted = /S3_IMAGE:-([^}]+)/.exec(readFileSync(path.join(ROOT, 'docker-compose.cloud.yml'), 'utf8'))[1];
    if (!(await hasImage(wanted)) && (await hasImage(S3_STAND_IN))) await docker(['tag', S3_STAND_IN, wanted]);
  }

  /** Sets variables of the compose file; they count from the next `scaleTo` on, which replaces what they concern. */
  set(settings) {
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    appendFileSync(path.join(this.folder, 'settings'), lines.join(''));
  }

  /** Runs `docker compose …` on the stack. */
  compose(...args) {
    const files = ['docker-compose.cloud.yml', path.join(this.folder, 'site.json')].flatMap((file) => ['-f', file]);
    const settings = ['--env-file', path.join(this.folder, 'settings')];
    return docker(['compose', '-p', PROJECT, ...files, ...settings, ...args], { timeoutMs: UP_TIMEOUT_MS });
  }

  /** Brings up so many nodes and what they need, and waits until all of it is healthy. */
  async scaleTo(count) {
    await this.compose('up', '-d', '--no-build', '--wait', '--wait-timeout', '150', '--scale', `browser-pool=${count}`);
  }

  /** The running nodes, as `{ stack, id, name }`: their containers and what they call themselves. */
  async listNodes() {
    const ids = (await this.compose('ps', '-q', 'browser-pool')).split('\n').filter(Boolean);
    return ids.map((id) => ({ stack: this, id, name: id.slice(0, 12) }));
  }

  /** Runs a script in the container of a node. @returns what it printed, as JSON */
  async evaluate(node, script, environment = {}) {
    const variables = Object.entries(environment).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    return JSON.parse(await docker(['exec', ...variables, node.id, 'node', '--input-type=module', '-e', script]));
  }

  /** What is there of the stack: containers, volumes and networks, by name. */
  async listLeft() {
    const label = `label=com.docker.compose.project=${PROJECT}`;
    const kinds = [
      ['ps', '-a'],
      ['volume', 'ls'],
      ['network', 'ls'],
    ];
    const lists = await Promise.all(kinds.map((kind) => docker([...kind, '-q', '--filter', label])));
    return lists.flatMap((list) => list.split('\n').filter(Boolean));
  }

  /** Removes the stack with its volumes. Its folder of secrets goes too. */
  async close() {
    await this.compose('down', '-v', '--timeout', '20');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
