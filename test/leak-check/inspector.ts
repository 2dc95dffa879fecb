import { type CdpClient, connectCdp } from '../acceptance/cdp-client.ts';
import type { Service } from '../acceptance/service.ts';
import { until } from '../acceptance/until.ts';

/** Setting that makes a service's own Node tell about itself, at an address in its log. Nothing in the service knows of it. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' } as const;

const OBJECT_GROUP = 'leak-check';

/** What the process of a service holds inside, after a garbage collection. */
export interface Inside {
  /** What keeps its event loop alive: sockets, servers, pipes, child processes. Timers come and go. */
  readonly handles: number;
  /** Event emitters that have listeners, and the listeners of all of them. */
  readonly emitters: number;
  readonly listeners: number;
  /** Abort signals that can be reached. */
  readonly signals: number;
  /** Entries of all Maps, and members of all Sets: registries, for the most part. */
  readonly entries: number;
  readonly members: number;
  readonly heapBytes: number;
}

/**
 * Runs in the service. A connection to the database has many listeners, and their number changes by itself: what belongs to
 * one is left out.
 */
const COUNT_LISTENERS = `function () {
  const emitters = this.filter((each) => Object.hasOwn(each, '_events') && each._events !== undefined);
  const ofDatabase = new Set();
  for (const each of emitters) {
    if (!Object.hasOwn(each, 'connectionParameters') || each.connection === undefined) continue;
    for (const part of [each, each.connection, each.connection.stream]) ofDatabase.add(part);
  }
  const countOf = ({ _events }) =>
    Reflect.ownKeys(_events).reduce((sum, name) => sum + (Array.isArray(_events[name]) ? _events[name].length : 1), 0);
  const counts = emitters.filter((each) => !ofDatabase.has(each)).map(countOf).filter((count) => count > 0);
  return { emitters: counts.length, listeners: counts.reduce((sum, count) => sum + count, 0) };
}`;

const COUNT_OBJECTS = 'function () { return this.length; }';

/**
 * Runs in the service. Left out is what maps numbers to numbers: the process ids of the last minute, of which there are as many as
 * the machine has had. A prototype itself has no size.
 */
const SUM_SIZES = `function () {
  const sizeOf = (each) => {
    if (each.size === 0) return 0;
    const [[key, value]] = each.entries();
    return each instanceof Map && typeof key === 'number' && typeof value === 'number' ? 0 : each.size;
  };
  return this.reduce((sum, each) => {
    try { return sum + sizeOf(each); } catch { return sum; }
  }, 0);
}`;

/** Runs in the service. Pipes are output of browsers, and connections to the database. */
const COUNT_HANDLES = `process.getActiveResourcesInfo().filter((each) => /Wrap$/.test(each)).length`;

/** Looks into the process of a service by the debugger's protocol. */
export class Inspector implements Disposable {
  readonly #client: CdpClient;

  private constructor(client: CdpClient) {
    this.#client = client;
  }

  /** Connects to a service that was started `INSPECTED`. The caller must dispose it. */
  static async open(service: Service): Promise<Inspector> {
    const address = await until(
      'the debugger listens',
      () => /Debugger listening on (ws:\S+)/.exec(service.log())?.[1],
    );
    return new Inspector(await connectCdp(address));
  }

  /** Collects garbage and counts what is left. `connections`: those to the database, which do not count. */
  async look(connections: number): Promise<Inside> {
    // What is only weakly held, or has a finalizer, may take another round.
    for (let round = 0; round < 2; round += 1) await this.#client.send('HeapProfiler.collectGarbage');
    const { usedSize, backingStorageSize } = await this.#client.send('Runtime.getHeapUsage');
    const handles = (await this.#evaluate(COUNT_HANDLES)) as number;
    const emitterClass = `process.getBuiltinModule('node:events').EventEmitter`;
    const { emitters, listeners } = (await this.#askAll(emitterClass, COUNT_LISTENERS)) as Inside;
    const entries = (await this.#askAll('Map', SUM_SIZES)) as number;
    const members = (await this.#askAll('Set', SUM_SIZES)) as number;
    const signals = (await this.#askAll('AbortSignal', COUNT_OBJECTS)) as number;
    await this.#client.send('Runtime.releaseObjectGroup', { objectGroup: OBJECT_GROUP });
    return {
      handles: handles - connections,
      emitters,
      listeners,
      signals,
      entries,
      members,
      heapBytes: Number(usedSize) + Number(backingStorageSize ?? 0),
    };
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  async #evaluate(expression: string): Promise<unknown> {
    const { result } = await this.#client.send('Runtime.evaluate', { expression, returnByValue: true });
    return (result as { readonly value: unknown }).value;
  }

  /** Calls a function with all instances of a class as `this`. */
  async #askAll(className: string, functionDeclaration: string): Promise<unknown> {
    const objectGroup = OBJECT_GROUP;
    const { result } = await this.#client.send('Runtime.evaluate', {
      expression: `${className}.prototype`,
      objectGroup,
    });
    const { objectId: prototypeObjectId } = result as { readonly objectId: string };
    const { objects } = await this.#client.send('Runtime.queryObjects', { prototypeObjectId, objectGroup });
    const { objectId } = objects as { readonly objectId: string };
    const answer = await this.#client.send('Runtime.callFunctionOn', {
      objectId,
      functionDeclaration,
      returnByValue: true,
    });
    return (answer['result'] as { readonly value: unknown }).value;
  }
}
