const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

/** What a page shows instead of a site that was refused or did not answer. */
export interface ErrorPage {
  readonly status: 400 | 403 | 502;
  readonly title: string;
  readonly host: string;
  readonly reason: string;
  readonly why: string;
}

const STATUS_TEXTS = { 400: 'Bad Request', 403: 'Forbidden', 502: 'Bad Gateway' } as const;

/** The whole answer of a proxy that shows a small page without any resource of its own, and closes. */
export function toErrorAnswer({ status, title, host, reason, why }: ErrorPage): string {
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,"><style>body{font:16px/1.5 sans-serif;margin:15vh auto;max-width:36em;padding:0 1em}</style>
<h1>${escapeHtml(title)}</h1><p><b>${escapeHtml(host)}</b></p><p>${escapeHtml(why)}</p><p><code>${escapeHtml(reason)}</code></p></html>
`;
  return toAnswer(status, body);
}

/** An answer of a proxy that closes the connection. */
export function toAnswer(status: ErrorPage['status'], body = ''): string {
  const bytes = Buffer.from(body);
  const type = body === '' ? '' : 'Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n';
  const head = `HTTP/1.1 ${status} ${STATUS_TEXTS[status]}\r\n${type}Content-Length: ${bytes.length}\r\nConnection: close\r\n\r\n`;
  return head + bytes.toString('latin1');
}
