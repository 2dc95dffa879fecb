import { readdir } from 'node:fs/promises';
import path from 'node:path';

import type { Session, SessionEventList } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { browserPid, connectCdp } from './cdp-client.ts';
import { listProcessesOf } from './processes.ts';
import { expectProblem, readProblem } from './problem.ts';
import { type Service, startService } from './service.ts';
import { tryConnect } from './http-client.ts';
import { until } from './until.ts';

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;

beforeAll(async () => {
  service = await startService(stack, { WARM_POOL_SIZE: '0' });
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());

/** A session with the pid of its browser. */
async function createWithPid(options: { readonly headless?: boolean } = {}): Promise<Session & { pid: number }> {
  const session = await api.create(options);
  return { ...session, pid: await browserPid(session.cdpUrl ?? '') };
}

describe('a session whose browser is killed', () => {
  it('is CLOSED with browser_crashed within a second, and nothing is left of it', async () => {
    const { id, pid, cdpPort } = await createWithPid();
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    const closed = await until('the session is closed', async () => {
      const session = await api.get(id);
      return session.state === 'CLOSED' && session;
    });
    const tookMs = Math.round(performance.now() - killedAt);
    process.stdout.write(`kill -9 of a browser to CLOSED, as seen by polling: ${tookMs} ms\n`);
    expect(tookMs).toBeLessThan(2_000);
    expect(closed).toMatchObject({ closeReason: 'browser_crashed', cdpPort: null, cdpUrl: null });
    expect(closed.closedAt).not.toBeNull();

    const root = path.join(service.dataDir, 'browsers');
    await until('no process is left', () => listProcessesOf(root).length === 0);
    await until('no folder is left', async () => (await readdir(root)).length === 0);
    expect(await tryConnect(cdpPort ?? 0)).toBe('ECONNREFUSED');
  });

  it('tells its WebSocket clients with 1011 and the reason', async () => {
    const { id, pid, cdpUrl, cdpPort } = await createWithPid();
    using overApi = await connectCdp(cdpUrl ?? '');
    const { webSocketDebuggerUrl } = (await (await fetch(`http://127.0.0.1:${cdpPort ?? 0}/json/version`)).json()) as {
      webSocketDebuggerUrl: string;
    };
    using overPort = await connectCdp(webSocketDebuggerUrl);
    process.kill(pid, 'SIGKILL');
    expect(await overApi.closed).toEqual({ code: 1011, reason: 'browser_crashed' });
    expect(await overPort.closed).toEqual({ code: 1011, reason: 'browser_crashed' });
    expect(await until('it is closed', async () => (await api.get(id)).closeReason)).toBe('browser_crashed');
  });

  it('answers what is under way, and all that comes after, with 410 and the reason', async () => {
    const { id, pid } = await createWithPid();
    const running = api.call('POST', `/api/sessions/${id}/execute`, { code: 'new Promise(() => {})' });
    // By the time this one is answered, the one before has reached the page.
    await api.evaluate(id, '1');
    process.kill(pid, 'SIGKILL');
    expect(expectProblem(await running, 410, 'SESSION_ENDED').closeReason).toBe('browser_crashed');
    const after = await api.call('POST', `/api/sessions/${id}/execute`, { code: '1' });
    expect(expectProblem(after, 410, 'SESSION_ENDED').closeReason).toBe('browser_crashed');
    expect((await api.end(id)).closeReason).toBe('browser_crashed');
  });

  it('keeps the way it ended in its history, as one move', async () => {
    const { id, pid } = await createWithPid();
    process.kill(pid, 'SIGKILL');
    await until('it is closed', async () => (await api.get(id)).state === 'CLOSED');
    const { events } = expectStatus<SessionEventList>(await api.call('GET', `/api/sessions/${id}/events`), 200);
    expect(events.map(({ fromState, toState }) => `${fromState ?? ''}>${toState ?? ''}`)).toEqual([
      '>INITIALIZING',
      'INITIALIZING>ACTIVE',
      'ACTIVE>CLOSED',
    ]);
  });

  it('does not disturb its neighbour', async () => {
    const [one, other] = [await createWithPid(), await createWithPid()];
    process.kill(one.pid, 'SIGKILL');
    await until('it is closed', async () => (await api.get(one.id)).state === 'CLOSED');
    expect(await api.evaluate(other.id, '1 + 1')).toBe(2);
    const list = (await api.call('GET', '/api/sessions')).json() as { sessions: Session[] };
    expect(list.sessions.filter(({ state }) => state === 'CLOSED').length).toBeGreaterThan(0);
    await api.end(other.id);
  });

  it('that stands on a display of its own is lost with it, and with that display', async () => {
    const { id } = await createWithPid({ headless: false });
    const display = listProcessesOf(service.dataDir).find(({ command }) => /^\S*Xvfb /.test(command));
    process.kill(display?.pid ?? 0, 'SIGKILL');
    const { closeReason } = await until('it is closed', async () => {
      const session = await api.get(id);
      return session.state === 'CLOSED' && session;
    });
    expect(closeReason).toBe('browser_crashed');
    const root = path.join(service.dataDir, 'browsers');
    await until('no process is left', () => listProcessesOf(root).length === 0);
    await until('no folder is left', async () => (await readdir(root)).length === 0);
  });
});

describe('a tab', () => {
  it('that crashes fails what is asked of it in time, and works again after a navigation', async () => {
    const { id, cdpUrl } = await api.create();
    await api.navigate(id, 'data:text/html,<title>Before</title>');
    using client = await connectCdp(cdpUrl ?? '');
    const { processInfo } = await client.send('SystemInfo.getProcessInfo');
    for (const each of processInfo as readonly { type: string; id: number }[]) {
      if (each.type === 'renderer') process.kill(each.id, 'SIGKILL');
    }
    const startedAt = performance.now();
    const answer = await api.call('POST', `/api/sessions/${id}/execute`, { code: '1', timeoutMs: 1_000 });
    const tookMs = Math.round(performance.now() - startedAt);
    process.stdout.write(`a script of at most 1000 ms in a crashed tab: answered after ${tookMs} ms\n`);
    expect([422, 504]).toContain(readProblem(answer).status);
    expect(tookMs).toBeLessThan(5_000);
    expect((await api.navigate(id, 'data:text/html,<title>After</title>')).title).toBe('After');
    expect(await api.evaluate(id, 'document.title')).toBe('After');
    expect((await api.end(id)).closeReason).toBe('requested');
  });

  it('that crashes in the middle of something fails that at once, and works again after a navigation', async () => {
    const { id, cdpUrl } = await api.create();
    await api.navigate(id, 'data:text/html,<title>Before</title>');
    using client = await connectCdp(cdpUrl ?? '');
    const { processInfo } = await client.send('SystemInfo.getProcessInfo');
    const forEver = api.call('POST', `/api/sessions/${id}/execute`, { code: 'new Promise(() => {})' });
    // Commands of one client are taken in turn: once this one is answered, the one before has reached the page.
    await api.evaluate(id, '1');
    for (const each of processInfo as readonly { type: string; id: number }[]) {
      if (each.type === 'renderer') process.kill(each.id, 'SIGKILL');
    }
    const startedAt = performance.now();
    expectProblem(await forEver, 422, 'PAGE_OPERATION_FAILED');
    // Long before the 30 s it might have taken.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect((await api.navigate(id, 'data:text/html,<title>After</title>')).title).toBe('After');
    await api.end(id);
  });

  it('that a client has opened and that crashed before anything else was asked of it works again too', async () => {
    const { id, cdpUrl } = await api.create();
    using client = await connectCdp(cdpUrl ?? '');
    const { targetId } = await client.send('Target.createTarget', { url: 'data:text/html,<title>Opened</title>' });
    await client.send('Target.attachToTarget', { targetId, flatten: true });
    const { processInfo } = await client.send('SystemInfo.getProcessInfo');
    for (const each of processInfo as readonly { type: string; id: number }[]) {
      if (each.type === 'renderer') process.kill(each.id, 'SIGKILL');
    }
    await until('a navigation is answered', async () => {
      const body = { url: 'data:text/html,<title>After</title>', timeoutMs: 2_000 };
      return (await api.call('POST', `/api/sessions/${id}/navigate`, body)).status === 200;
    });
    expect(await api.evaluate(id, 'document.title')).toBe('After');
    await api.end(id);
  });

  it('that is closed is replaced by another one when the session is asked for something', async () => {
    const { id, cdpUrl } = await api.create();
    await api.navigate(id, 'data:text/html,<title>Closed soon</title>');
    using client = await connectCdp(cdpUrl ?? '');
    const { targetInfos } = await client.send('Target.getTargets');
    const page = (targetInfos as readonly { targetId: string; type: string }[]).find(({ type }) => type === 'page');
    await client.send('Target.closeTarget', { targetId: page?.targetId });
    const url = await until('another page answers', async () => (await api.evaluate(id, 'location.href')) as string);
    expect(url).toBe('about:blank');
    await api.end(id);
  });
});
