import { fork } from 'node:child_process';
import { once } from 'node:events';

const START_TIMEOUT_MS = 30_000;

/** A relay in a process of its own that passes bytes and does nothing else. */
export interface PlainRelay extends AsyncDisposable {
  readonly pid: number;
  /** On 127.0.0.1. */
  readonly port: number;
}

/** Starts a relay to a port on 127.0.0.1. The caller must dispose it. */
export async function openPlainRelay(targetPort: number, signal: AbortSignal): Promise<PlainRelay> {
  const child = fork(new URL('./plain-relay-process.ts', import.meta.url), [String(targetPort)]);
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
