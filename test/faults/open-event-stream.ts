import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

/** A stream of a session's events that is open and that nobody reads. */
interface OpenEventStream {
  /** Hangs up. */
  leave(): void;
  /** Is gone without a goodbye. */
  reset(): void;
}

/** Opens a stream of events. The caller must leave or reset it. */
export async function openEventStream(address: string): Promise<OpenEventStream> {
  const outgoing = request(address, { headers: { accept: 'text/event-stream' }, agent: false });
  outgoing.on('error', () => undefined);
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  return {
    leave: () => response.destroy(),
    reset: () => void response.socket.resetAndDestroy(),
  };
}
