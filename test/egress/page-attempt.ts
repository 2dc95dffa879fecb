/** Where an attempt is aimed at. */
export interface Aim {
  /** Such as `http://127.0.0.1:31000/`. */
  readonly url: string;
  /** Such as `127.0.0.1:31000`. */
  readonly place: string;
}

/** A document of the attacker's that tries to reach where it may not. */
export interface PageAttempt {
  readonly title: string;
  readonly html: (aim: Aim) => string;
  readonly headers?: (aim: Aim) => Readonly<Record<string, string>>;
  /** `Link` headers of an answer before the answer (103). */
  readonly hints?: (aim: Aim) => string[];
  /** Default 200. */
  readonly status?: number;
  /** What only a page of its own can do; others are frames of one page. */
  readonly needsTab?: boolean;
}

/** A document that runs a script. */
export function script(title: string, source: (aim: Aim) => string): PageAttempt {
  return { title, html: (aim) => `<script>${source(aim)}</script>` };
}

/** A document with this in its body. */
export function markup(title: string, html: (aim: Aim) => string): PageAttempt {
  return { title, html };
}

/** A text as a string in a script. */
export function quote(text: string): string {
  return JSON.stringify(text).replaceAll('<', '\\u003c');
}

/** A script that runs when the document has loaded. */
export function whenLoaded(source: string): string {
  return `addEventListener('load', () => setTimeout(() => { ${source} }, 50));`;
}
