import { WebSocketServer } from 'ws';

import { AppError } from '../../lib/app-error.ts';
import { BackgroundLoop } from '../../lib/background-loop.ts';
import { once } from '../../lib/once.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import { checkHandshake, refuseUpgrade, type Upgrade } from '../../websocket/index.ts';
import { type RealtimeClient, RealtimeConnection, type RealtimeConnectionDeps } from './realtime-connection.ts';

/** Bodies of REST have 1 MiB at most; a message can be a batch. */
const MAX_MESSAGE_BYTES = 4 * 1024 ** 2;
const CHECK_INTERVAL_MS = 30_000;

interface RealtimeGatewayDeps extends RealtimeConnectionDeps {
  readonly logger: Logger;
}

/** Takes connections to the real-time interface, and ends them. */
export class RealtimeGateway implements AsyncDisposable {
  readonly #deps: RealtimeGatewayDeps;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Compression costs memory and time for each connection, and bytes are cheap where browsers run.
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
  });
  readonly #connections = new Set<RealtimeConnection>();
  #checks: BackgroundLoop | undefined;
  #isClosing = false;
  readonly [Symbol.asyncDispose] = once(() => this.#close());

  constructor(deps: RealtimeGatewayDeps) {
    this.#deps = deps;
    this.#server.on('wsClientError', (error, socket, request) =>
      refuseUpgrade({ request, socket }, new AppError('VALIDATION_FAILED', error.message), deps.logger),
    );
  }

  /** Begins to look after its clients, in the background. */
  start(): void {
    this.#checks = BackgroundLoop.start({
      intervalMs: CHECK_INTERVAL_MS,
      maxBackoffMs: CHECK_INTERVAL_MS,
      run: async () => this.#connections.forEach((connection) => connection.checkAlive()),
      onFailure: (error) => this.#deps.logger.error({ err: error }, 'real-time clients could not be checked'),
    });
  }

  get clientCount(): number {
    return this.#connections.size;
  }

  /** Takes a connection over. @throws {AppError} UPGRADE_REQUIRED, SHUTTING_DOWN */
  async accept({ request, socket, head }: Upgrade, client: RealtimeClient): Promise<void> {
    checkHandshake(request);
    if (this.#isClosing) throw new AppError('SHUTTING_DOWN', 'This node is shutting down');
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new RealtimeConnection(this.#deps, webSocket, client);
      this.#connections.add(connection);
      void connection.run().then(() => this.#connections.delete(connection));
    });
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    await this.#checks?.[Symbol.asyncDispose]();
    await Promise.all([...this.#connections].map((connection) => connection.end()));
  }
}
