import { runTool } from '../launch/run-tool.mjs';
import { onInterruption } from '../setup/last-wishes.mjs';
import { checkDrivers } from './driver-checks.mjs';
import { createSession, endSessions, execute, send } from './gateway-client.mjs';
import { checkLogs } from './log-checks.mjs';
import { checkCrash, checkDrain, checkKill, checkScaling, placeSessions } from './node-checks.mjs';
import { checkProfiles } from './profile-checks.mjs';
import { checkReadme } from './readme-checks.mjs';
import { HOST_ADDRESS, Stack } from './stack.mjs';

const SETTINGS = {
  MAX_SESSIONS: 18,
  WARM_POOL_SIZE: 1,
  DRAIN_TIMEOUT_MS: 8_000,
  // What is checked here is not the rates (cloud/config/nginx does that): they only should not be in the way.
  GATEWAY_API_RATE: 1_000,
  GATEWAY_API_BURST: 1_000,
  GATEWAY_CREATE_RATE: 100,
  GATEWAY_CREATE_BURST: 100,
  GATEWAY_ADDRESS_RATE: 1_000,
  GATEWAY_ADDRESS_BURST: 1_000,
};
const NODES = 3;
const SESSIONS = 7;
/** So few that seven sessions cannot be on two nodes. */
const FEW = { MAX_SESSIONS: 3 };

async function checkFront(stack, checks) {
  const health = await send(stack, 'GET /health');
  checks.check('it is healthy', health.status === 200, JSON.stringify(health.json));
  checks.check('the gateway tells no version', health.headers.server === 'nginx');
  for (const name of ['metrics', 'status']) {
    const { status, json } = await send(stack, `GET /${name}`);
    checks.check(`/${name} is for inside`, status === 403 && json?.code === 'ORIGIN_NOT_ALLOWED');
  }
  const strangers = await send(stack, 'GET /api/sessions', { headers: { 'x-api-key': 'nobody' } });
  checks.check('who has no key is refused', strangers.status === 401, `${strangers.status}`);
  const { id } = await createSession(stack);
  checks.check('a session runs a script', (await execute(stack, id, '6 * 7')) === 42);
  await send(stack, `DELETE /api/sessions/${id}`);
}

/** Who is told by these where the stack is, and from where its sessions can load pages. */
function environmentOf(stack) {
  return { ...process.env, GUISE_URL: stack.url, GUISE_KEY: stack.key, GUISE_PAGES_HOST: HOST_ADDRESS };
}

/** Acceptance tests as a client makes them, who sees of the stack its gateway only. */
async function checkAcceptance(stack, checks) {
  const tests = ['tools/test.mjs', '--project', 'gateway'];
  const exitCode = await runTool(process.execPath, tests, { ...environmentOf(stack), GATEWAY_TESTS: 'some' });
  checks.check('it passes acceptance tests', exitCode === 0);
}

async function checkEverything(stack, checks) {
  await stack.scaleTo(1);
  await checkFront(stack, checks);
  await checkScaling(stack, checks, NODES);
  await checkDrivers(stack, checks);
  await checkProfiles(stack, checks);
  await checkReadme(stack, checks);
  await checkAcceptance(stack, checks);
  await endSessions(stack);
  await checkLogs(stack, checks);
  stack.set(FEW);
  await stack.scaleTo(NODES);
  const placed = await placeSessions(stack, checks, SESSIONS);
  const afterKill = await checkKill(stack, checks, placed);
  const afterDrain = await checkDrain(stack, checks, afterKill);
  await checkCrash(stack, checks, afterDrain);
}

/** Uses the stack, and removes it whatever came of that; what was logged last is shown when it came to nothing. */
async function withStack(settings, use) {
  const stack = new Stack();
  const takeBack = onInterruption(() => stack.close());
  try {
    await stack.prepare(settings);
    return await use(stack);
  } catch (error) {
    console.log(await stack.compose('logs', '--tail', '20').catch(() => ''));
    throw error;
  } finally {
    takeBack();
    await stack.close();
  }
}

/** The whole stack, as an operator would bring it up. */
export async function checkStack(checks) {
  console.log('The stack');
  const left = await withStack(SETTINGS, async (stack) => {
    await checkEverything(stack, checks);
    return () => stack.listLeft();
  });
  const names = await left();
  checks.check('nothing of it is left', names.length === 0, names.join());
}

/** Brings the stack up for a program that is told by GUISE_URL, GUISE_KEY and GUISE_PAGES_HOST where it is. @returns the program's exit code */
export async function runOnStack([program, ...args], settings = {}) {
  return withStack({ ...SETTINGS, ...settings }, async (stack) => {
    await stack.scaleTo(NODES);
    return runTool(program, args, environmentOf(stack));
  });
}
