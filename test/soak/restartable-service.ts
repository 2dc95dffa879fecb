import type { Service } from '../acceptance/service.ts';
import { SessionOverError } from './session-over.ts';

/** What can happen to the service itself. */
export type Incident = 'serviceKilled' | 'serviceDrained';

/** A service that is killed or drained now and then, and started again on the same data. Disposing it stops it for good. */
export class RestartableService implements AsyncDisposable {
  readonly #start: () => Promise<Service>;
  #current: Service;
  #recovered: Promise<void> = Promise.resolve();
  #isDisturbed = false;

  private constructor(start: () => Promise<Service>, current: Service) {
    this.#start = start;
    this.#current = current;
  }

  /** Starts it, as it will be after each incident: on the same data. The caller must dispose it. */
  static async start(start: () => Promise<Service>): Promise<RestartableService> {
    return new RestartableService(start, await start());
  }

  get dataDir(): string {
    return this.#current.dataDir;
  }

  /** The end of what it has logged, for failures. */
  log(): string {
    return this.#current.log();
  }

  /** Resolves when nothing is happening to the service (any more). */
  async settled(): Promise<void> {
    await this.#recovered;
  }

  /**
   * Runs something with the service as it is now; what an incident broke is run again after it. That is also what was begun
   * during one and waited it out in part: the rest of it meets a service that is gone.
   */
  async steadily<Value>(run: (service: Service) => Promise<Value>): Promise<Value> {
    for (;;) {
      const service = this.#current;
      try {
        return await run(service);
      } catch (error) {
        const isUndisturbed = service === this.#current && !this.#isDisturbed;
        if (error instanceof SessionOverError || isUndisturbed) throw error;
        await this.#recovered;
      }
    }
  }

  /** Lets something happen to the service and resolves when it is up again. `onBegin` is called right before. */
  async befall(incident: Incident, onBegin: () => void): Promise<void> {
    const recovered = Promise.withResolvers<void>();
    this.#recovered = recovered.promise;
    this.#isDisturbed = true;
    onBegin();
    try {
      const exitCode = await this.#current.end(incident === 'serviceKilled' ? 'SIGKILL' : 'SIGTERM');
      if (incident === 'serviceDrained' && exitCode !== 0) {
        throw new Error(`The service drained and ended with ${exitCode}:\n${this.#current.log()}`);
      }
      this.#current.expectNoErrors();
      this.#current = await this.#start();
    } finally {
      this.#isDisturbed = false;
      recovered.resolve();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current[Symbol.asyncDispose]();
  }
}
