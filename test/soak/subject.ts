import type { CreateSession, Session, SessionEvent, SessionEventList, SessionList } from '@guise/contract';

import { type Api, expectStatus } from '../acceptance/api.ts';
import { browserPid } from '../acceptance/cdp-client.ts';
import type { Answer } from '../acceptance/http-client.ts';
import { until } from '../acceptance/until.ts';
import { signalBrowser } from '../faults/browser-signal.ts';
import type { LifecycleRecord } from './lifecycle-record.ts';
import type { RestartableService } from './restartable-service.ts';
import type { SeededRandom } from './seeded-random.ts';
import { SessionOverError } from './session-over.ts';

/** Name of the label that tells whose a session is. */
export const LABEL = 'soak';
const NAVIGATE_TIMEOUT_MS = 5_000;
/** Longest a session may take to be closed once its end is due, incidents of the service included. */
const CLOSE_TIMEOUT_MS = 60_000;

/** One session of the run as who drives it sees it: every call waits out what happens to the service. */
export class Subject {
  readonly record: LifecycleRecord;
  readonly random: SeededRandom;
  readonly service: RestartableService;
  readonly origin: string;
  id = '';

  constructor(parts: {
    readonly record: LifecycleRecord;
    readonly random: SeededRandom;
    readonly service: RestartableService;
    /** Of a site with pages for it. */
    readonly origin: string;
  }) {
    this.record = parts.record;
    this.random = parts.random;
    this.service = parts.service;
    this.origin = parts.origin;
  }

  /** Creates the session. One whose answer was lost with the service is looked for. */
  async create(options: CreateSession): Promise<void> {
    const body = { ...options, metadata: { [LABEL]: this.record.label } };
    for (;;) {
      const answer = await this.service.steadily(async ({ api }) => {
        const made = await findByLabel(api, this.record.label);
        return made ?? api.call('POST', '/api/sessions', body);
      });
      if ('id' in answer) {
        this.id = answer.id;
        return;
      }
      if (answer.status !== 503 && !isOver(answer)) {
        this.id = expectStatus<Session>(answer, 201).id;
        return;
      }
      // Refused or broken off by a service that stops: the next one may have it.
      await this.service.settled();
    }
  }

  /** Looks for the session by its label; whether there is one. */
  async find(): Promise<boolean> {
    const found = await this.service.steadily(({ api }) => findByLabel(api, this.record.label));
    this.id = found?.id ?? '';
    return found !== undefined;
  }

  async read(): Promise<Session> {
    return this.service.steadily(({ api }) => api.get(this.id));
  }

  /** @throws {SessionOverError} when the session is over, or is ending */
  async cdpUrl(): Promise<string> {
    const { cdpUrl, closeReason } = await this.read();
    if (cdpUrl === null) throw new SessionOverError(`ended: ${closeReason ?? '?'}`);
    return cdpUrl;
  }

  /** Does something with the session's CDP address. @throws {SessionOverError} */
  async overCdp<Value>(run: (cdpUrl: string) => Promise<Value>): Promise<Value> {
    return this.service.steadily(async () => {
      const address = await this.cdpUrl();
      try {
        return await run(address);
      } catch (error) {
        // Also the end of the session ends its clients.
        await this.cdpUrl();
        throw error;
      }
    });
  }

  /** Sends a request to the session; must be answered 200. @throws {SessionOverError} */
  async ask(method: string, path: string, body?: object): Promise<void> {
    const answer = await this.service.steadily(({ api }) => api.call(method, `/api/sessions/${this.id}${path}`, body));
    if (isOver(answer)) throw new SessionOverError(answer.text);
    // No `expectStatus`: a picture is no JSON.
    if (answer.status !== 200) throw new Error(`${method} ${path} was answered ${answer.status}: ${answer.text}`);
  }

  /** Sends the page somewhere. A tab that is still being opened, or dying, drops the address or never loads it: it is told again. */
  async navigate(url: string): Promise<void> {
    let isOver: SessionOverError | undefined;
    const navigated = async (): Promise<boolean> => {
      try {
        await this.ask('POST', '/navigate', { url, timeoutMs: NAVIGATE_TIMEOUT_MS });
      } catch (error) {
        if (!(error instanceof SessionOverError)) throw error;
        isOver = error;
      }
      return true;
    };
    await until(`session ${this.id} loads a page`, navigated, { timeoutMs: 6 * NAVIGATE_TIMEOUT_MS, pollMs: 100 });
    if (isOver !== undefined) throw isOver;
  }

  async evaluate(code: string): Promise<void> {
    await this.ask('POST', '/execute', { code });
  }

  /** @throws {SessionOverError} */
  async pid(): Promise<number> {
    return this.overCdp(browserPid);
  }

  signal(pid: number, signal: NodeJS.Signals): void {
    signalBrowser(pid, this.service.dataDir, signal);
  }

  async end(): Promise<void> {
    await this.ask('DELETE', '');
  }

  async events(): Promise<SessionEvent[]> {
    const answer = await this.service.steadily(({ api }) => api.call('GET', `/api/sessions/${this.id}/events`));
    return expectStatus<SessionEventList>(answer, 200).events;
  }

  /** Resolves when the session is CLOSED. @throws when it is not in time */
  async closed(timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
    const isClosed = async (): Promise<boolean> => (await this.read()).state === 'CLOSED';
    await until(`session ${this.id} is closed`, isClosed, { timeoutMs, pollMs: 100 });
  }
}

function isOver({ status, text }: Answer): boolean {
  return status === 410 && text.includes('SESSION_ENDED');
}

async function findByLabel(api: Api, label: string): Promise<Session | undefined> {
  const answer = await api.call('GET', `/api/sessions?metadata.${LABEL}=${label}`);
  return expectStatus<SessionList>(answer, 200).sessions[0];
}
