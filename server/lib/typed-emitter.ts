type Listener<Payload> = (payload: Payload) => void;

/**
 * Synchronous publish and subscribe with a typed map of events.
 *
 * Differs from `node:events` on purpose: a listener that throws is reported and never reaches the emitter, there is no
 * magic `error` event, and `on` hands back the function that unsubscribes.
 */
export class TypedEmitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();
  readonly #onListenerError: (error: unknown, event: keyof Events) => void;

  constructor(onListenerError: (error: unknown, event: keyof Events) => void) {
    this.#onListenerError = onListenerError;
  }

  on<Event extends keyof Events>(event: Event, listener: Listener<Events[Event]>): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  emit<Event extends keyof Events>(event: Event, payload: Events[Event]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (listener as Listener<Events[Event]>)(payload);
      } catch (error) {
        this.#onListenerError(error, event);
      }
    }
  }
}
