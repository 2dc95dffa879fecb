import { randomUUID } from 'node:crypto';

import { createSession, send } from './gateway-client.mjs';

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function readLines(stack, service) {
  const log = await stack.compose('logs', '--no-log-prefix', service);
  return log.split('\n').filter((line) => line !== '');
}

/** A session with everything that must not be written: a password of a proxy, a cookie, a token. */
async function useSecrets(stack) {
  const password = `proxy-${randomUUID()}`;
  const cookie = `cookie-${randomUUID()}`;
  const session = await createSession(stack, { proxy: `http://user:${password}@127.0.0.1:9` });
  await send(stack, `POST /api/sessions/${session.id}/navigate`, { body: { url: stack.siteUrl } });
  await send(stack, `PUT /api/sessions/${session.id}/cookies`, {
    body: { cookies: [{ name: 'a', value: cookie, domain: 'example.com', path: '/' }] },
  });
  await send(stack, `POST /connect?apiKey=${stack.key}`);
  const made = await send(stack, 'POST /api/keys', { body: { name: `logs-${randomUUID()}`, role: 'user' } });
  await send(stack, `DELETE /api/sessions/${session.id}`);
  const tokens = [session.cdpUrl, session.liveUrl].flatMap((url) => /token=([^&]+)/.exec(url ?? '')?.[1] ?? []);
  const key = made.json?.secret;
  if (typeof key !== 'string' || tokens.length === 0) throw new Error(`No key, or no token: ${made.text}`);
  return {
    sessionId: session.id,
    used: [['proxy', password], ['cookie', cookie], ['key', key], ...tokens.map((token) => ['token', token])],
  };
}

/** What nodes have warned of before they were ready: fonts, programs or a sandbox that they lack. */
function listStartWarnings(lines) {
  const ready = new Set();
  return lines.flatMap(({ nodeId, level, msg }) => {
    if (msg === 'guise is ready') ready.add(nodeId);
    return level >= 40 && !ready.has(nodeId) ? [msg] : [];
  });
}

/** What everything that runs has written so far, before anything was made to fail. */
export async function checkLogs(stack, checks) {
  const { sessionId, used } = await useSecrets(stack);
  const requestId = `check-${randomUUID()}`;
  await send(stack, `GET /api/sessions/${randomUUID()}`, { headers: { 'x-request-id': requestId } });
  const node = (await readLines(stack, 'browser-pool')).map(parse);
  const gateway = (await readLines(stack, 'api-gateway')).map(parse);
  checks.check('each line of a node is JSON', node.length > 0 && !node.includes(undefined), `${node.length} lines`);
  checks.check(
    'each line names its node',
    node.every((line) => typeof line?.nodeId === 'string'),
  );
  checks.check(
    'what concerns a session names it',
    node.some((line) => line?.sessionId === sessionId),
  );
  const logs = { gateway, node };
  for (const [name, lines] of Object.entries(logs))
    checks.check(
      `a request has the same id in the log of the ${name}`,
      lines.some((line) => line?.requestId === requestId),
    );
  const all = await stack.compose('logs', '--no-log-prefix');
  const leaked = [...stack.secrets, ...used].filter(([, secret]) => all.includes(secret)).map(([name]) => name);
  checks.check('no secret is in the log of anything', leaked.length === 0, leaked.join());
  const complaints = listStartWarnings(node);
  checks.check('no node has missed anything at its start', complaints.length === 0, complaints.join());
}
