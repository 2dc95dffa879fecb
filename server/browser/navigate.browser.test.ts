import { describe, expect, it } from 'vitest';

import { openPageServer } from '../testing/page-server.ts';
import { openTestHost, PLAIN_BROWSER } from '../testing/test-host.ts';
import { until } from '../testing/until.ts';
import { launchBrowser } from './launch-browser.ts';
import type { Page } from './page.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

/** A page, and a site that leaves the first request for `/slow` without an answer and the image of `/endless`. */
async function openPage(stack: AsyncDisposableStack): Promise<{ page: Page; origin: string; requested: string[] }> {
  const host = await openTestHost(stack);
  const requested: string[] = [];
  const origin = await openPageServer(stack, ({ url = '' }, response) => {
    const isFirst = !requested.includes(url);
    requested.push(url);
    response.setHeader('content-type', 'text/html');
    if (url === '/endless') response.end('<title>/endless</title><img src="/image">');
    else if (url === '/late') setTimeout(() => response.end('<title>/late</title>'), 600);
    else if (url !== '/image' && (url !== '/slow' || !isFirst)) response.end(`<title>${url}</title>`);
  });
  const browser = stack.use(await launchBrowser(PLAIN_BROWSER, host, soon()));
  return { page: await browser.page(soon()), origin, requested };
}

describe('a navigation', () => {
  it.each(['/slow', '/other'])('takes the place of one to /slow that is under way: to %s', async (path) => {
    await using stack = new AsyncDisposableStack();
    const { page, origin, requested } = await openPage(stack);
    const older = page
      .navigate({ url: `${origin}/slow`, waitUntil: 'commit' }, soon())
      .catch((error: unknown) => error);
    await until(() => requested.includes('/slow'));
    expect(await page.navigate({ url: `${origin}${path}` }, soon())).toMatchObject({ title: path, status: 200 });
    expect(await older).toMatchObject({ code: 'NAVIGATION_FAILED' });
  });

  it('is not stopped at the deadline of one whose place it took', async () => {
    await using stack = new AsyncDisposableStack();
    const { page, origin, requested } = await openPage(stack);
    const older = page.navigate({ url: `${origin}/endless`, timeoutMs: 500 }, soon()).catch((error: unknown) => error);
    await until(() => requested.includes('/image'));
    expect(await page.navigate({ url: `${origin}/late` }, soon())).toMatchObject({ title: '/late' });
    expect(await older).toMatchObject({ code: 'OPERATION_TIMED_OUT' });
  });
});
