import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Pictures of the page. */
export const RESOURCE_COUNT = 100;
/** Bytes of the download. */
export const DOWNLOAD_BYTES = 500_000_000;

const CHUNK = Buffer.alloc(1_000_000, 'guise');

function sendDownload(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': DOWNLOAD_BYTES, 'cache-control': 'no-store' });
  let left = DOWNLOAD_BYTES / CHUNK.length;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= 1;
      if (!response.write(CHUNK)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  more();
}

/** A page with many pictures, and a large download, on loopback. */
export interface HeavySite extends AsyncDisposable {
  readonly origin: string;
}

/** Serves both on a free port. The caller must dispose it. */
export async function openHeavySite(): Promise<HeavySite> {
  const server = createServer((request, response) => {
    // A relay that only passes bytes leaves the whole URL to the site.
    const url = request.url?.replace(/^http:\/\/[^/]+/, '') ?? '';
    if (url.startsWith('/download')) {
      sendDownload(response);
      return;
    }
    const isPicture = url.startsWith('/picture');
    const pictures = Array.from({ length: RESOURCE_COUNT }, (_, index) => `<img src="/picture-${index}?${url}">`);
    const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><!--${'x'.repeat(4_000)}--></svg>`;
    const page = `<!doctype html><title>Heavy</title><link rel="icon" href="data:,">${pictures.join('')}`;
    response
      .writeHead(200, { 'content-type': isPicture ? 'image/svg+xml' : 'text/html', 'cache-control': 'no-store' })
      .end(isPicture ? picture : page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
