import { CdpConnection } from './cdp-connection.mjs';
import { docker, until } from './docker.mjs';
import { askNode, createSession, execute, send, sendMany } from './gateway-client.mjs';

/** How long it may take until the others have closed the sessions of a node that was killed. */
const LOSS_LIMIT_MS = 10_000;
/** How old a node's view of the others may be. */
const VIEW_LIMIT_MS = 5_000;
/** How long clients may be told to try again, after a node has gone. */
const BACK_LIMIT_MS = 10_000;

/** The addresses of nodes that the gateway has asked, as its log says. */
async function listAskedNodes(stack) {
  const log = await stack.compose('logs', '--no-log-prefix', 'api-gateway');
  const addresses = log.matchAll(/"node":"([^"]+)"/g);
  return new Set([...addresses].flatMap(([, list]) => list.split(/, | : /)));
}

/** What a node knows of the cluster: its open nodes, with their places. */
async function listOpenNodes(node) {
  const { json } = await askNode(node, 'GET /status');
  return json.cluster.nodes.filter(({ isOpen }) => isOpen);
}

/** Adds nodes while the gateway runs, and looks whether it asks them. */
export async function checkScaling(stack, checks, count) {
  const before = await listAskedNodes(stack);
  const startedAt = await docker([
    'inspect',
    '-f',
    '{{.State.StartedAt}}',
    await stack.compose('ps', '-q', 'api-gateway'),
  ]);
  await stack.scaleTo(count);
  await until('the new nodes are asked, without a reload', async () => {
    await sendMany(stack, 6, 'GET /api/sessions');
    return (await listAskedNodes(stack)).size >= before.size + count - 1;
  });
  const after = await docker(['inspect', '-f', '{{.State.StartedAt}}', await stack.compose('ps', '-q', 'api-gateway')]);
  checks.check('nodes that have come take part, and the gateway was not touched', startedAt === after);
  const nodes = await stack.listNodes();
  const known = await Promise.all(nodes.map((node) => listOpenNodes(node)));
  checks.check(
    'all nodes know each other',
    known.every((list) => list.length === count),
    known.map((list) => list.length).join(),
  );
}

/** More sessions than all nodes but one have room for, each with a mark in its page and a CDP client that stays. */
export async function placeSessions(stack, checks, count) {
  const placed = [];
  for (let index = 0; index < count; index += 1) {
    const session = await createSession(stack, { startUrl: 'about:blank' });
    await execute(stack, session.id, `window.mark = ${index}`);
    placed.push({ session, mark: index, client: await CdpConnection.open(session.cdpUrl) });
  }
  const names = new Set(placed.map(({ session }) => session.nodeId));
  const nodes = await stack.listNodes();
  checks.check('sessions are placed on all nodes', names.size === nodes.length, [...names].join());
  for (const { session, mark } of placed) {
    const answers = await sendMany(stack, 6, `GET /api/sessions/${session.id}`);
    const isKnown = answers.every(({ status, json }) => status === 200 && json.state === 'ACTIVE');
    const isReached = (await execute(stack, session.id, 'window.mark')) === mark;
    if (isKnown && isReached) continue;
    checks.check(`any node knows and reaches the session of ${session.nodeId}`, false);
  }
  checks.check('any node answers for each session', true, `${count} sessions, 7 requests each`);
  return placed;
}

/** Its page is what it was. A client whose way led through a node that has gone was cut off, and may come back. */
async function isUndisturbed(stack, placed) {
  if (!placed.client.isOpen)
    placed.client = await until('the client is back', () => CdpConnection.open(placed.session.cdpUrl), BACK_LIMIT_MS);
  const { session, mark, client } = placed;
  return (await client.answers()) && (await execute(stack, session.id, 'window.mark')) === mark;
}

async function countUndisturbed(stack, placed) {
  const wayKept = placed.filter(({ client }) => client.isOpen).length;
  const answers = [];
  for (const each of placed) answers.push(await isUndisturbed(stack, each));
  const count = answers.filter(Boolean).length;
  return {
    areAll: placed.length > 0 && count === placed.length,
    detail: `${count} of ${placed.length}; clients that were not cut off: ${wayKept}`,
  };
}

function splitByNode(placed, { name }) {
  const isOf = ({ session }) => session.nodeId === name;
  return [placed.filter(isOf), placed.filter((each) => !isOf(each))];
}

async function findReasons(stack, sessions) {
  const answers = await Promise.all(sessions.map(({ session }) => send(stack, `GET /api/sessions/${session.id}`)));
  return answers.map(({ status, json }) => json?.closeReason ?? json?.state ?? `${status} ${json?.detail}`);
}

/** Kills a node with all it has. @returns the sessions that were not on it */
export async function checkKill(stack, checks, placed) {
  const [victim, witness] = await stack.listNodes();
  const [lost, others] = splitByNode(placed, victim);
  const killedAt = performance.now();
  await docker(['kill', '-s', 'KILL', victim.id]);
  const answers = await sendMany(stack, 12, 'GET /api/sessions');
  checks.check(
    'every request after a kill is answered',
    answers.every(({ status }) => status === 200),
    answers.map(({ status }) => status).join(),
  );
  const isClosed = async () => (await findReasons(stack, lost)).every((reason) => reason === 'node_lost');
  const isInTime = await until('its sessions are closed', isClosed, LOSS_LIMIT_MS).then(
    () => true,
    () => false,
  );
  const time = `${lost.length} sessions, ${Math.round(performance.now() - killedAt)} ms`;
  checks.check('its sessions are closed with node_lost within ten seconds', lost.length > 0 && isInTime, time);
  checks.check(
    'their clients are let go',
    lost.every(({ client }) => !client.isOpen),
  );
  const kept = await countUndisturbed(stack, others);
  checks.check('the sessions of others are undisturbed', kept.areAll, kept.detail);
  // Each node looks at the others every two seconds.
  const isRight = (open) => open.length === 2 && open.reduce((sum, node) => sum + node.taken, 0) === others.length;
  await until('that is known', async () => isRight(await listOpenNodes(witness)), VIEW_LIMIT_MS).catch(() => undefined);
  const open = await listOpenNodes(witness);
  checks.check(
    'what is left counts right: nodes, and places taken',
    isRight(open),
    JSON.stringify(open.map(({ nodeId, limit, taken: used }) => [nodeId, limit, used])),
  );
  return others;
}

/** Tells a node to stop while it has sessions. @returns the sessions that were not on it */
export async function checkDrain(stack, checks, placed) {
  const [leaving, staying] = await stack.listNodes();
  const [drained, others] = splitByNode(placed, leaving);
  const stopping = docker(['stop', '-t', '100', leaving.id], { timeoutMs: 120_000 });
  await until('the others know that it takes no more', async () => (await listOpenNodes(staying)).length === 1);
  const kept = await countUndisturbed(stack, drained);
  checks.check('sessions of a node that drains go on, by any node', kept.areAll, kept.detail);
  // Where the other node is full, a place has to become free. One session at least is left there, to be undisturbed.
  const ended = others.length > 1 ? others.pop() : undefined;
  if (ended) await send(stack, `DELETE /api/sessions/${ended.session.id}`);
  const { nodeId, id } = await createSession(stack);
  checks.check('creates are placed elsewhere', nodeId === staying.name, nodeId);
  await send(stack, `DELETE /api/sessions/${id}`);
  await stopping;
  // Until the others have noticed that it has gone, those sessions are answered for with 503 and Retry-After.
  const answered = async () => {
    const reasons = await findReasons(stack, drained);
    return reasons.every((reason) => !reason.startsWith('503')) && reasons;
  };
  const reasons = await until('any node answers for what is left of it', answered, BACK_LIMIT_MS);
  checks.check(
    'what is left at the end is closed with node_drained',
    reasons.every((reason) => reason === 'node_drained'),
    reasons.join(),
  );
  const exit = await docker(['inspect', '-f', '{{.State.ExitCode}}', leaving.id]);
  checks.check('and the node ends by itself, in order', exit === '0', `exit code ${exit}`);
  const untouched = await countUndisturbed(stack, others);
  checks.check('the sessions of others are undisturbed', untouched.areAll, untouched.detail);
  return others;
}

/** Ends the program of a node from inside, as running out of memory would: the engine starts it again, under its old name. */
export async function checkCrash(stack, checks, placed) {
  const [node] = await stack.listNodes();
  const [lost] = splitByNode(placed, node);
  await docker(['exec', node.id, 'sh', '-c', 'kill -9 $(cat /proc/1/task/1/children)']).catch(() => undefined); // Its shell ends with it.
  await until('it is back', async () => (await askNode(node, 'GET /health/ready')).status === 200, 60_000);
  const isClosed = async () => (await findReasons(stack, lost)).every((reason) => reason === 'node_lost');
  await until('its sessions are closed', isClosed, LOSS_LIMIT_MS);
  const session = await createSession(stack);
  checks.check('a node that crashed is back, without what it had', session.nodeId === node.name, session.nodeId);
  await send(stack, `DELETE /api/sessions/${session.id}`);
}
