import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Session } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type CdpClient, connectCdp } from '../acceptance/cdp-client.ts';
import { send } from '../acceptance/http-client.ts';
import { until } from '../acceptance/until.ts';
import { openUnmanaged } from '../identity/unmanaged-browser.ts';
import { type Battlefield, openBattlefield } from './battlefield.ts';
import { CLOSED_ADDRESSES } from './closed-pages.ts';
import { quote } from './page-attempt.ts';

/** How long a page may take to be shown that nobody answers for. */
const SHOWN_MS = 300;

const stack = new AsyncDisposableStack();
let field: Battlefield;
let session: Session;
let client: CdpClient;
let file: string;

beforeAll(async () => {
  field = await openBattlefield(stack, 'held');
  const folder = await mkdtemp(path.join(tmpdir(), 'guise-secret-'));
  stack.defer(() => rm(folder, { recursive: true }));
  file = path.join(folder, 'secret.html');
  // It tells whoever shows it.
  await writeFile(file, `<title>Secret</title><script>new Image().src = '${field.site.origin}/leak'</script>`);
  session = await field.api.create();
  client = stack.use(await connectCdp(session.cdpUrl ?? ''));
});
afterAll(() => stack.disposeAsync());

/** Addresses of all that is open. */
async function listOpen(): Promise<string[]> {
  const { targetInfos } = await client.send('Target.getTargets');
  return (targetInfos as { url: string }[]).map(({ url }) => url);
}

/** What was shown would have told. */
function expectNoLeak(): void {
  expect(field.site.asked.filter((each) => each.includes('/leak'))).toEqual([]);
}

describe.each(CLOSED_ADDRESSES)('$title', ({ of }) => {
  it('is not opened over REST', async () => {
    const answer = await field.api.call('POST', `/api/sessions/${session.id}/navigate`, { url: of(file) });
    expect([400, 422]).toContain(answer.status);
    const created = await field.api.call('POST', '/api/sessions', { startUrl: of(file) });
    expect([400, 422]).toContain(created.status);
    expectNoLeak();
  });

  it('is not opened over CDP', async () => {
    const url = of(file);
    await expect(client.send('Target.createTarget', { url })).rejects.toThrow(/may|only|must|no URL/);
    const { targetId } = await client.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await client.send('Target.attachToTarget', { targetId, flatten: true });
    await expect(client.send('Page.navigate', { url }, sessionId as string)).rejects.toThrow(/may|only|must|no URL/);
    await client.send('Target.closeTarget', { targetId });
    const tab = await send(`http://127.0.0.1:${session.cdpPort ?? 0}/json/new?${encodeURIComponent(url)}`, {
      method: 'PUT',
    });
    expect(tab.status).toBe(400);
    expectNoLeak();
  });

  it('is not opened by a page', async () => {
    const { site, api } = field;
    const url = of(file);
    const html = `<!doctype html><iframe src="${site.origin}/redirect?302 ${url}"></iframe><a id=l target=_blank>x</a><script>
      const url = ${quote(url)};
      const settle = (act) => Promise.resolve().then(act).catch(() => undefined);
      const frame = (set) => { const f = document.createElement('iframe'); set(f); document.documentElement.append(f); };
      (async () => {
        await settle(() => fetch(url));
        await settle(() => frame((f) => { f.src = url; }));
        await settle(() => frame((f) => { f.srcdoc = '<script>location = ' + JSON.stringify(url) + '<' + '/script>'; }));
        await settle(() => { l.href = url; l.click(); });
        await settle(() => { open(url); });
        await settle(() => new Worker(url));
        await settle(() => { document.head.innerHTML = '<link rel=stylesheet href="' + encodeURI(url) + '">'; });
        setTimeout(() => { fetch('/done', { keepalive: true }); settle(() => { location = url; }); }, 200);
      })();
    </script>`;
    const pathOf = site.add({ attempt: { title: 'closed', html: () => html }, aim: { place: '', url: '' } });
    const before = site.asked.length;
    // The tab that a client has just closed may be the one in front for a moment still.
    await until('the page is shown', async () => {
      const wish = { url: `${site.origin}${pathOf}`, waitUntil: 'commit' };
      return (await api.call('POST', `/api/sessions/${session.id}/navigate`, wish)).status === 200;
    });
    await until('the page is done', () => site.asked.slice(before).some((each) => each.endsWith('/done')));
    // What it was sent to last had time to be shown.
    await sleep(SHOWN_MS);
    const isHarmless = /^(about:blank(#blocked)?|chrome-error:.*|chrome-extension:\/\/invalid\/|)$/;
    expect((await listOpen()).filter((url) => !url.startsWith(site.origin) && !isHarmless.test(url))).toEqual([]);
    expectNoLeak();
  });
});

it('tells of a file that is shown by a browser that nobody holds', async () => {
  await using owned = new AsyncDisposableStack();
  await openUnmanaged(owned, `file://${file}`, true);
  await until('the secret is told', () => field.site.asked.some((each) => each.includes('/leak')));
});

it('reads no file for a file input, and puts no download elsewhere', async () => {
  const { targetId } = await client.send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await client.send('Target.attachToTarget', { targetId, flatten: true });
  const expression = "document.body.innerHTML = '<input type=file>'";
  await client.send('Runtime.evaluate', { expression }, sessionId as string);
  const { root } = await client.send('DOM.getDocument', { depth: -1 }, sessionId as string);
  const { nodeId } = await client.send(
    'DOM.querySelector',
    { nodeId: (root as { nodeId: number }).nodeId, selector: 'input' },
    sessionId as string,
  );
  const set = client.send('DOM.setFileInputFiles', { nodeId, files: [file] }, sessionId as string);
  await expect(set).rejects.toThrow('only files in the folder of the session');
});
