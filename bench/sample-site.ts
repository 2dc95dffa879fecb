import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const PARAGRAPHS = 40;

const STYLE = `body { margin: 2rem auto; max-width: 60rem; font: 16px/1.5 sans-serif; color: #223 }
section { columns: 2; column-gap: 2rem } img { width: 100%; height: 12rem }`;

const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 100" preserveAspectRatio="none">
<defs><linearGradient id="sky"><stop stop-color="#246"/><stop offset="1" stop-color="#fb8"/></linearGradient></defs>
<rect width="400" height="100" fill="url(#sky)"/><circle cx="300" cy="40" r="18" fill="#fff8"/></svg>`;

function page(): string {
  const sentence = 'A small page with a style sheet, a picture and some text, as a benchmark loads it. ';
  const text = Array.from({ length: PARAGRAPHS }, (_, index) => `<p>${index + 1}. ${sentence.repeat(4)}</p>`).join(
    '\n',
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sample page</title>
<link rel="stylesheet" href="/style.css"><link rel="icon" href="data:,"></head>
<body><h1>Sample page</h1><img src="/picture.svg" alt="Sunset"><section>${text}</section></body></html>`;
}

function send(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

/** A small page with a style sheet and a picture, on loopback. */
export interface SampleSite extends AsyncDisposable {
  /** Address of the page; each `name` is another document to the browser. */
  pageUrl(name: string): string;
}

/** Serves the sample page on a free port. The caller must dispose it. */
export async function openSampleSite(): Promise<SampleSite> {
  const html = page();
  const server = createServer(({ url = '' }, response) => {
    if (url.startsWith('/style.css')) send(response, 'text/css', STYLE);
    else if (url.startsWith('/picture.svg')) send(response, 'image/svg+xml', PICTURE);
    else send(response, 'text/html; charset=utf-8', html);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    pageUrl: (name) => `http://127.0.0.1:${port}/${name}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
