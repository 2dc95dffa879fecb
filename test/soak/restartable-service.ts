import { type Service, type ServiceSettings, startServiceOn } from '../acceptance/service.ts';
import { SessionOverError } from './session-over.ts';

/** What can happen to the service itself. */
export type Incident = 'serviceKilled' | 'serviceDrained';

/** A service that is killed or drained now and then, and started again on the same data. Disposing it stops it for good. */
export class RestartableService implements AsyncDisposable {
  readonly #dataDir: string;
  readonly #settings: ServiceSettings;
  #current: Service;
  /** Changes when something begins to happen to the service. */
  #epoch = 0;
  #recovered: Promise<void> = Promise.resolve();
  #isDisturbed = false;

  private constructor(dataDir: string, settings: ServiceSettings, current: Service) {
    this.#dataDir = dataDir;
    this.#settings = settings;
    this.#current = current;
  }

  /** Starts it on `dataDir`, which outlives it. The caller must dispose it. */
  static async start(dataDir: string, settings: ServiceSettings): Promise<RestartableService> {
    return new RestartableService(dataDir, settings, await startServiceOn(dataDir, settings));
  }

  get dataDir(): string {
    return this.#dataDir;
  }

  /** The end of what it has logged, for failures. */
  log(): string {
    return this.#current.log();
  }

  /** Resolves when nothing is happening to the service (any more). */
  async settled(): Promise<void> {
    await this.#recovered;
  }

  /** Runs something with the service as it is now; what an incident broke is run again after it. */
  async steadily<Value>(run: (service: Service) => Promise<Value>): Promise<Value> {
    for (;;) {
      const epoch = this.#epoch;
      try {
        return await run(this.#current);
      } catch (error) {
        if (error instanceof SessionOverError || (epoch === this.#epoch && !this.#isDisturbed)) throw error;
        await this.#recovered;
      }
    }
  }

  /** Lets something happen to the service and resolves when it is up again. `onBegin` is called right before. */
  async befall(incident: Incident, onBegin: () => void): Promise<void> {
    const recovered = Promise.withResolvers<void>();
    this.#recovered = recovered.promise;
    this.#isDisturbed = true;
    this.#epoch += 1;
    onBegin();
    try {
      const exitCode = await this.#current.end(incident === 'serviceKilled' ? 'SIGKILL' : 'SIGTERM');
      if (incident === 'serviceDrained' && exitCode !== 0) {
        throw new Error(`The service drained and ended with ${exitCode}:\n${this.#current.log()}`);
      }
      this.#current.expectNoErrors();
      this.#current = await startServiceOn(this.#dataDir, this.#settings);
    } finally {
      this.#isDisturbed = false;
      recovered.resolve();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current[Symbol.asyncDispose]();
  }
}
