import type { Problem } from '@guise/contract';

import type { Answer } from '../acceptance/http-client.ts';
import { type Battlefield, listRefusals, refusalOf, settle, withSession } from './battlefield.ts';
import { HOST_FORMS, type HostForm } from './host-forms.ts';
import type { Outcome } from './run-pages.ts';
import type { Victim } from './victims.ts';

/** How long attempts may take that never come to an end. */
const PATIENCE_MS = 8_000;

/** What has become of a form in both its uses. */
export interface FormOutcome {
  /** Asked for by a page; undefined for what only a navigation can be given, as no page may ask for it. */
  readonly asked: Outcome | undefined;
  /** Navigated to over REST, and what the service has answered. */
  readonly navigated: Outcome & { readonly status: number; readonly problem: Partial<Problem> | undefined };
}

interface Used {
  readonly form: HostForm;
  readonly asked: Victim;
  readonly navigated: Victim;
}

const mayBeAsked = ({ host }: HostForm): boolean => !host.includes('@');

async function openVictims({ victims }: Battlefield): Promise<Used[]> {
  const used: Used[] = [];
  for (const form of HOST_FORMS) used.push({ form, asked: await victims.open(), navigated: await victims.open() });
  return used;
}

/** Writes every form, in a page and in a navigation of one session, and says what has become of each, by its title. */
export async function runForms(field: Battlefield): Promise<ReadonlyMap<string, FormOutcome>> {
  const { api, site } = field;
  const all = await openVictims(field);
  return withSession(api, {}, async ({ id }) => {
    await api.navigate(id, site.origin);
    const urls = all
      .filter(({ form }) => mayBeAsked(form))
      .map(({ form, asked }) => `http://${form.host}:${asked.port}/`);
    await api.evaluate(
      id,
      `for (const url of ${JSON.stringify(urls)}) fetch(url, { mode: 'no-cors' }).catch(() => {}); 1`,
    );
    await settle(async () => {
      const refusals = await listRefusals(api, id);
      return all.every(
        ({ form, asked: { port, arrived } }) => !mayBeAsked(form) || arrived.tcp > 0 || refusalOf(refusals, port),
      );
    }, PATIENCE_MS);
    const answers: Answer[] = [];
    for (const { form, navigated } of all) {
      // Nobody but loopback is there: a service that lets one through would wait for an answer.
      const body = { url: `http://${form.host}:${navigated.port}/`, timeoutMs: 3_000 };
      answers.push(await api.call('POST', `/api/sessions/${id}/navigate`, body));
    }
    const refusals = await listRefusals(api, id);
    return new Map(
      all.map(({ form, asked, navigated }, index) => {
        const answer = answers[index];
        const outcomeOf = ({ arrived, port }: Victim): Outcome => ({ arrived, refusal: refusalOf(refusals, port) });
        const status = answer?.status ?? 0;
        const problem = status >= 400 ? (answer?.json() as Problem) : undefined;
        const asked_ = mayBeAsked(form) ? outcomeOf(asked) : undefined;
        return [form.title, { asked: asked_, navigated: { ...outcomeOf(navigated), status, problem } }] as const;
      }),
    );
  });
}
