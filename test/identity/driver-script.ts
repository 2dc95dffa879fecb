/** What a script of a client has seen; the same whichever driver runs it. */
export interface ScriptOutcome {
  readonly title: string;
  /** What `evaluate` gives for an object of the page. */
  readonly evaluated: unknown;
  /** The text of an element that appears after a click. */
  readonly greeting: string;
  /** Whether the init script ran before the page's first script. */
  readonly initialised: string;
  /** What the page got from the exposed function. */
  readonly exposed: unknown;
  /** Text read in a frame of the same site, and in one of another. */
  readonly frames: readonly string[];
  /** What a handle of an element still gives after others were evaluated. */
  readonly handle: string;
  readonly waited: boolean;
  readonly worker: unknown;
}

/** Runs before each page: it leaves a mark that a page's own script reads, and no trace for the probe. */
export const INIT_SCRIPT =
  "addEventListener('DOMContentLoaded', () => document.documentElement.setAttribute('data-init', 'early'))";

/** As much of an element of the page as the script reads. */
export interface PageElement {
  readonly tagName: string;
  readonly textContent: string;
}

/** What the script must have seen. */
export const EXPECTED_OUTCOME: ScriptOutcome = {
  title: 'A form',
  evaluated: { sum: 3, list: [1, 'two'], path: '/form' },
  greeting: 'Hello Ada',
  initialised: 'early',
  exposed: 42,
  frames: ['a frame', 'a frame'],
  handle: 'BUTTON',
  waited: true,
  worker: 'from the worker',
};

/** Runs in the page. */
export const EVALUATED = '({ sum: 1 + 2, list: [1, "two"], path: location.pathname })';

/** A page to be driven: a form that answers a while after a click, two frames, and a worker. */
export function formPage(otherSite: string, run: string): string {
  const frame = `<p id=text>a frame</p>`;
  return [
    '<!doctype html><title>A form</title><meta name=viewport content="width=device-width, initial-scale=1">',
    '<link rel=icon href="data:,"><input id=name autocomplete=off><button id=greet>Greet</button>',
    `<iframe id=near srcdoc="${frame}"></iframe><iframe id=far src="${otherSite}/framed?run=${run}"></iframe>`,
    '<script>',
    "document.querySelector('#greet').onclick = () => setTimeout(() => {",
    "  const text = 'Hello ' + document.querySelector('#name').value;",
    "  document.body.append(Object.assign(document.createElement('p'), { id: 'greeting', textContent: text }));",
    '}, 100);',
    'const source = \'globalThis.secret = "from the worker"; setInterval(() => 0, 1000)\';',
    "globalThis.helper = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));",
    '</script>',
  ].join('\n');
}

/** What the frame of another site shows. */
export const FRAMED_PAGE = '<!doctype html><p id=text>a frame</p>';
