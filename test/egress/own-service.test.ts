import type { CreateSession } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { expectStatus } from '../acceptance/api.ts';
import type { Answer } from '../acceptance/http-client.ts';
import { until } from '../acceptance/until.ts';
import { listListeningPorts, listProcessesOf } from '../acceptance/processes.ts';
import { browserPid } from '../acceptance/cdp-client.ts';
import {
  type Battlefield,
  listRefusals,
  openBattlefield,
  refusalOf,
  settle,
  SIDES,
  withSession,
} from './battlefield.ts';
import { SITE_ADDRESS } from './attack-site.ts';

const stack = new AsyncDisposableStack();
const fields = new Map<string, Battlefield>();
const fieldOf = (side: string): Battlefield => {
  const field = fields.get(side);
  if (field === undefined) throw new Error(`There is no ${side} service`);
  return field;
};

/** One in each service, for what needs none of its own. */
const sessions = new Map<string, string>();
const sessionOf = (side: string): string => sessions.get(side) ?? '';

beforeAll(async () => {
  for (const side of SIDES) {
    const field = await openBattlefield(stack, side);
    fields.set(side, field);
    sessions.set(side, (await field.api.create()).id);
  }
});
afterAll(() => stack.disposeAsync());

const navigate = ({ api }: Battlefield, id: string, url: string): Promise<Answer> =>
  api.call('POST', `/api/sessions/${id}/navigate`, { url, timeoutMs: 5_000 });

/** The ports that the service and the browser of a session listen on, by what they are for. */
async function listOwnPorts({ service }: Battlefield, cdpUrl: string): Promise<Record<string, number[]>> {
  const pid = await browserPid(cdpUrl);
  const command = listProcessesOf(service.dataDir).find((each) => each.pid === pid)?.command ?? '';
  const egress = Number(/--proxy-server=http:\/\/127\.0\.0\.1:(\d+)/.exec(command)?.[1]);
  return { debugging: listListeningPorts(pid), service: listListeningPorts(service.pid), egress: [egress] };
}

describe.each(SIDES)('a session where loopback is %s', (side) => {
  it('reaches no port of the service, of its browser, or of another one', async () => {
    const field = fieldOf(side);
    await withSession(field.api, {}, (other) =>
      withSession(field.api, {}, async ({ id, cdpUrl, cdpPort }) => {
        const [mine, theirs] = [await listOwnPorts(field, cdpUrl ?? ''), await listOwnPorts(field, other.cdpUrl ?? '')];
        const ports = new Set([...Object.values(mine), ...Object.values(theirs)].flat());
        expect([...ports]).toEqual(
          expect.arrayContaining([cdpPort, other.cdpPort, Number(new URL(field.service.address).port)]),
        );
        expect([mine['debugging']?.length, theirs['debugging']?.length]).toEqual([1, 1]);
        for (const port of ports) {
          for (const host of ['127.0.0.1', '0.0.0.0', '[::ffff:127.0.0.1]']) {
            const answer = await navigate(field, id, `http://${host}:${port}/json/version`);
            const where = `${host}:${port} of ${JSON.stringify({ mine, theirs })}`;
            expect(answer.status, where).toBe(422);
            expect(answer.json(), where).toMatchObject({
              code: 'EGRESS_REFUSED',
              reason: side === 'held' ? 'address' : 'port',
            });
          }
        }
        await until('all refusals are recorded', async () => {
          const refusals = await listRefusals(field.api, id);
          return [...ports].every((port) => refusalOf(refusals, port) !== undefined);
        });
      }),
    );
  });
});

describe('ports that no browser needs', () => {
  it.each([22, 25, 53, 81, 111, 143, 445, 631, 1023])('are refused: %i', async (port) => {
    const answer = await navigate(fieldOf('open'), sessionOf('open'), `http://${SITE_ADDRESS}:${port}/`);
    expect(answer.status).toBe(422);
    // Some of them Chromium refuses by itself.
    const { code, reason, netError } = answer.json() as Record<string, unknown>;
    expect([`${String(code)} ${String(reason ?? netError)}`]).toEqual([
      expect.stringMatching(/^(EGRESS_REFUSED port|NAVIGATION_FAILED ERR_UNSAFE_PORT)$/),
    ]);
  });
});

/** Attempts at the site by names that a session's lists are to keep it from. */
const LISTS: readonly {
  readonly title: string;
  readonly options: CreateSession;
  readonly host: string;
  readonly redirected?: boolean;
}[] = [
  { title: 'a blocked name', options: { blockedDomains: ['blocked.test'] }, host: 'blocked.test' },
  { title: 'a dot at the end', options: { blockedDomains: ['blocked.test'] }, host: 'blocked.test.' },
  { title: 'a list with a dot at the end', options: { blockedDomains: ['blocked.test.'] }, host: 'blocked.test' },
  { title: 'other letters', options: { blockedDomains: ['blocked.test'] }, host: 'BLOCKED.tEsT' },
  { title: 'a list in other letters', options: { blockedDomains: ['Blocked.TEST'] }, host: 'blocked.test' },
  { title: 'fullwidth letters', options: { blockedDomains: ['blocked.test'] }, host: 'ｂlocked.test' },
  { title: 'a name below', options: { blockedDomains: ['blocked.test'] }, host: 'a.b.blocked.test' },
  { title: 'a name below the listed', options: { blockedDomains: ['*.blocked.test'] }, host: 'a.blocked.test' },
  { title: 'user information', options: { blockedDomains: ['blocked.test'] }, host: 'allowed.test@blocked.test' },
  { title: 'punycode', options: { blockedDomains: ['bücher.test'] }, host: 'xn--bcher-kva.test' },
  { title: 'a list in punycode', options: { blockedDomains: ['xn--bcher-kva.test'] }, host: 'bücher.test' },
  { title: 'an address', options: { blockedDomains: [SITE_ADDRESS] }, host: '0x7f.0.0.9' },
  {
    title: 'a redirect to a blocked name',
    options: { blockedDomains: ['blocked.test'] },
    host: 'blocked.test',
    redirected: true,
  },
  { title: 'a name that is not allowed', options: { allowedDomains: ['allowed.test'] }, host: 'blocked.test' },
  { title: 'the address of a name that is allowed', options: { allowedDomains: ['allowed.test'] }, host: SITE_ADDRESS },
  { title: 'a name that ends like an allowed one', options: { allowedDomains: ['lowed.test'] }, host: 'allowed.test' },
  {
    title: 'a name that begins like an allowed one',
    options: { allowedDomains: ['allowed.tes'] },
    host: 'allowed.test',
  },
  { title: 'the domain above an allowed one', options: { allowedDomains: ['*.allowed.test'] }, host: 'allowed.test' },
  {
    title: 'a redirect to what is not allowed',
    options: { allowedDomains: ['allowed.test'] },
    host: 'blocked.test',
    redirected: true,
  },
  {
    title: 'user information that is allowed',
    options: { allowedDomains: ['allowed.test'] },
    host: 'allowed.test@blocked.test',
  },
];

describe('the domains of a session hold against', () => {
  it.each(LISTS)('$title', async ({ options, host, redirected }) => {
    const field = fieldOf('held');
    const { api, site } = field;
    const victim = await field.victims.open([SITE_ADDRESS]);
    const target = `http://${host}:${victim.port}/`;
    const url = redirected === true ? `http://allowed.test:${site.port}/redirect?302 ${target}` : target;
    const id = sessionOf('held');
    const change = async (lists: object): Promise<void> =>
      void expectStatus(await api.call('PATCH', `/api/sessions/${id}`, lists), 200);
    await change({ blockedDomains: [], allowedDomains: null, ...options });
    expect((await navigate(field, id, url)).json()).toMatchObject({ code: 'EGRESS_REFUSED', reason: 'domain' });
    expect(victim.arrived.tcp, 'what has arrived').toBe(0);
    const refusal = await until('the refusal is recorded', async () =>
      refusalOf(await listRefusals(api, id), victim.port),
    );
    expect(refusal.data).toMatchObject({ reason: 'domain' });
    await change({ blockedDomains: [], allowedDomains: null });
    expect((await navigate(field, id, url)).status, 'without the lists').toBe(200);
    expect(victim.arrived.tcp, 'what arrives without the lists').toBeGreaterThan(0);
  });
});

describe('a name that changes what it means', () => {
  it('is refused where it leads, whatever it meant before', async () => {
    for (const side of SIDES) {
      const field = fieldOf(side);
      const { api, site, names } = field;
      const victim = await field.victims.open();
      await withSession(api, {}, async ({ id }) => {
        // The first answer is the site, all others are loopback.
        const first = await navigate(field, id, `http://rebind.test:${site.port}/`);
        expect(first.status).toBe(200);
        const before = names.asked('rebind.test');
        await navigate(field, id, `http://rebind.test:${victim.port}/`);
        await settle(
          async () => victim.arrived.tcp > 0 || !!refusalOf(await listRefusals(api, id), victim.port),
          3_000,
        );
        expect(names.asked('rebind.test'), 'it was looked up again').toBeGreaterThan(before);
        const refusal = refusalOf(await listRefusals(api, id), victim.port);
        if (side === 'open') expect(victim.arrived.tcp).toBeGreaterThan(0);
        else {
          expect(victim.arrived.tcp).toBe(0);
          expect(refusal?.data).toMatchObject({ host: 'rebind.test', reason: 'address' });
        }
      });
    }
  });

  it('and means two things at once, is only ever connected to where it may', async () => {
    for (const side of SIDES) {
      const field = fieldOf(side);
      // Nobody is at the allowed address on that port, so that whoever can tries the other one.
      const victim = await field.victims.open();
      await withSession(field.api, {}, async ({ id }) => {
        await navigate(field, id, `http://mixed.test:${victim.port}/`);
      });
      expect(victim.arrived.tcp > 0, side).toBe(side === 'open');
    }
  });
});
