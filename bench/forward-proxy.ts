import { fork } from 'node:child_process';
import { once } from 'node:events';

const START_TIMEOUT_MS = 30_000;

/** Ours, ours for a session that blocks ads and trackers, and the package of npm that does most of the same. */
export type ForwardProxyKind = 'egress' | 'blocking egress' | 'proxy-chain';

/** A forward proxy in a process of its own. */
export interface ForwardProxy extends AsyncDisposable {
  readonly pid: number;
  /** On 127.0.0.1. */
  readonly port: number;
}

/** Starts one. The caller must dispose it. */
export async function openForwardProxy(kind: ForwardProxyKind, signal: AbortSignal): Promise<ForwardProxy> {
  const child = fork(new URL('./forward-proxy-process.ts', import.meta.url), [kind]);
  await using starting = new AsyncDisposableStack();
  const ended = once(child, 'exit');
  starting.defer(async () => {
    if (child.connected) child.disconnect();
    await ended;
  });
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  const [address] = (await once(child, 'message', { signal: deadline })) as [{ port: number }];
  const running = starting.move();
  return { pid: child.pid ?? 0, port: address.port, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
