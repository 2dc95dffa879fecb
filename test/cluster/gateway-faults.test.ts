import { setTimeout as sleep } from 'node:timers/promises';

import type { Session } from '@guise/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { ANY_RATE, type Gateway, openGateway } from '../../cloud/testing/gateway.ts';
import { type CdpClient, connectCdp } from '../acceptance/cdp-client.ts';
import { type Answer, send } from '../acceptance/http-client.ts';
import { listProcessesOf } from '../acceptance/processes.ts';
import { until } from '../acceptance/until.ts';
import { type Load, startLoad } from './load.ts';
import { type ClusterNode, KEY_HEADERS, listKnownNodes, showLogs, startNodes } from './node.ts';
import { openServers, type Servers } from './servers.ts';

const PLAIN = { stealthLevel: 'none' };
const PLACES = 3;
/** What is promised is 10 s; the rest is for a machine that does other things beside. Milliseconds. */
const LOSS_MS = 15_000;
/** A request that is not answered by then is held up. Milliseconds. */
const PATIENCE_MS = 1_500;

/** What was asked for was made once or refused, and is over by now, also where clients were told that it may or may not have been made. */
async function expectMadeOnce(servers: Servers, { asked }: Load): Promise<void> {
  const refusals = asked.filter(({ status }) => status !== 201).map(({ status }) => status);
  expect([429, 502, 503]).toEqual(expect.arrayContaining([...new Set(refusals)]));
  const marked = await servers.query("select metadata ->> 'mark', id from sessions where metadata ? 'mark'");
  expect(new Set(marked.map(([mark]) => mark)).size).toBe(marked.length);
  const told = asked.flatMap(({ mark, session }) => (session === undefined ? [] : [[mark, session.id]]));
  expect(marked).toEqual(expect.arrayContaining(told));
  await until('none of them is left', async () => {
    const left = await servers.query("select id from sessions where metadata ? 'mark' and state <> 'CLOSED'");
    return left.length === 0;
  });
  const ends = "select session_id from session_events where to_state = 'CLOSED' group by 1 having count(*) > 1";
  expect(await servers.query(ends)).toEqual([]);
}

describe('behind the gateway', () => {
  const stack = new AsyncDisposableStack();
  let servers: Servers;
  let a: ClusterNode;
  let b: ClusterNode;
  let c: ClusterNode;

  beforeAll(async () => {
    servers = await openServers(stack);
    const own = { MAX_SESSIONS: String(PLACES), QUEUE_LIMIT: '1', QUEUE_TIMEOUT_MS: '3000' };
    const nodes = await startNodes(stack, servers, { 'node-a': own, 'node-b': own, 'node-c': own });
    [a, b, c] = nodes as [ClusterNode, ClusterNode, ClusterNode];
  });
  beforeEach(({ onTestFailed }) => onTestFailed(() => showLogs([a, b, c])));
  afterAll(() => stack.disposeAsync());

  const startGateway = (own: AsyncDisposableStack, port?: number): Promise<Gateway> =>
    openGateway(own, {
      nodes: [a, b, c].map(({ address }) => Number(new URL(address).port)),
      settings: ANY_RATE,
      ...(port !== undefined && { port }),
    });
  const ask = ({ url }: Gateway, path: string, method = 'GET'): Promise<Answer> =>
    send(`${url}/api/sessions${path}`, { method, headers: KEY_HEADERS });
  const drive = async (gateway: Gateway, { id }: Session): Promise<CdpClient> =>
    connectCdp(((await ask(gateway, `/${id}`)).json() as Session).cdpUrl ?? '');
  /** Connects to a session at its own node: what passes through another is cut when that one dies. */
  const driveAt = async (node: ClusterNode, { id }: Session): Promise<CdpClient> =>
    connectCdp(((await node.ask(`/api/sessions/${id}`)).json() as Session).cdpUrl ?? '');
  const liveOn = async ({ name }: ClusterNode): Promise<number> =>
    (await servers.query(`select id from sessions where node_id = '${name}' and state <> 'CLOSED'`)).length;

  it('nobody loses a session when it is killed: clients come back to theirs when it is started again', async () => {
    await using second = new AsyncDisposableStack();
    const first = new AsyncDisposableStack();
    const gateway = await startGateway(first);
    const session = (await ask(gateway, '', 'POST')).json() as Session;
    using client = await drive(gateway, session);
    const { events } = (await ask(gateway, `/${session.id}/events`)).json() as { events: { id: number }[] };
    await first.disposeAsync();
    await client.closed;
    const changed = await a.ask(`/api/sessions/${session.id}`, { method: 'PATCH', body: { timeoutMs: 900_000 } });
    expect(changed.json()).toMatchObject({ state: 'ACTIVE', timeoutMs: 900_000 });

    await startGateway(second, gateway.port);
    using again = await drive(gateway, session);
    expect(await again.send('Browser.getVersion')).toHaveProperty('product');
    const stream = send(`${gateway.url}/api/sessions/${session.id}/events`, {
      headers: { ...KEY_HEADERS, accept: 'text/event-stream', 'last-event-id': String(events.at(-1)?.id) },
    });
    await ask(gateway, `/${session.id}`, 'DELETE');
    const missed = (await stream).text.match(/^event: .*$/gm);
    expect(missed).toEqual(['event: updated', 'event: stateChanged', 'event: stateChanged']);
  });

  it('a node that stands still holds up few requests; it gives up its sessions when it goes on', async () => {
    await using own = new AsyncDisposableStack();
    const gateway = await startGateway(own);
    const session = await b.create(PLAIN);
    using client = await drive(gateway, session);
    b.kill('SIGSTOP');
    const answers: (Answer | undefined)[] = [];
    const requests: Promise<void>[] = [];
    for (let count = 0; count < 12; count += 1) {
      const request = ask(gateway, '?limit=1').then((answer) => void (answers[count] = answer));
      requests.push(request);
      await Promise.race([request, sleep(PATIENCE_MS)]);
    }
    // Each that waits makes the node look busier than the others.
    expect(answers.filter((answer) => answer?.status === 200).length).toBeGreaterThanOrEqual(9);
    await until('its session is closed', async () => (await liveOn(b)) === 0, { timeoutMs: LOSS_MS });
    b.kill('SIGCONT');
    await Promise.all(requests);
    expect(answers.map((answer) => answer?.status)).toEqual(Array(12).fill(200));
    await client.closed;
    await until('its browsers are gone', () => listProcessesOf(b.dataDir).length === 0);
    await until('it is there again', async () =>
      (await listKnownNodes(a)).some(({ nodeId, isOpen }) => nodeId === 'node-b' && isOpen),
    );
    const ends = await servers.query(
      `select reason from session_events where session_id = '${session.id}' and to_state = 'CLOSED'`,
    );
    expect(ends).toEqual([['its node was lost']]);
  });

  it('a node killed under load: no request hangs, no session is made twice, its rows and places are free', async () => {
    await using own = new AsyncDisposableStack();
    const gateway = await startGateway(own);
    const [first, second, third] = await Promise.all([a.create(PLAIN), b.create(PLAIN), c.create(PLAIN)]);
    using ofFirst = await driveAt(a, first);
    using ofSecond = await driveAt(b, second);
    using ofThird = await drive(gateway, third);
    const load = startLoad(gateway.url);
    await until('sessions are made', () => load.made() >= 6, { timeoutMs: 60_000 });
    c.kill('SIGKILL');
    await ofThird.closed;
    await until('its sessions are closed', async () => (await liveOn(c)) === 0, { timeoutMs: LOSS_MS });
    const before = load.made();
    await until('sessions are made again', () => load.made() >= before + 4, { timeoutMs: 60_000 });
    await load.stop();

    await expectMadeOnce(servers, load);
    expect((await ask(gateway, `/${third.id}`)).json()).toMatchObject({ closeReason: 'node_lost' });

    for (const client of [ofFirst, ofSecond]) expect(await client.send('Browser.getVersion')).toHaveProperty('product');
    for (const session of [first, second]) {
      using again = await drive(gateway, session);
      expect(await again.send('Browser.getVersion')).toHaveProperty('product');
      await ask(gateway, `/${session.id}`, 'DELETE');
    }
    await until('the places of two nodes are free', async () => {
      const known = await listKnownNodes(a);
      return known.length === 2 && known.every(({ taken }) => taken === 0);
    });
    const racing = await Promise.all(Array.from({ length: 2 * PLACES + 1 }, () => ask(gateway, '', 'POST')));
    expect(racing.map(({ status }) => status).sort()).toEqual([...Array<number>(2 * PLACES).fill(201), 429]);
  });
});
