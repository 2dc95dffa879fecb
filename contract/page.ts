import { type Static, Type } from 'typebox';

import { OPTIONAL_BODY, PageUrl } from './session.ts';

const TIMEOUT_LIMITS = { minimum: 1, maximum: 300_000 } as const;

/** How long page operations may take when the request does not say. */
export const PAGE_TIMEOUT_MS = 30_000;

const OperationTimeoutMs = Type.Integer({
  ...TIMEOUT_LIMITS,
  default: PAGE_TIMEOUT_MS,
  description: 'Milliseconds until the work is stopped and answered with 504.',
});

const JAVASCRIPT_WORLDS = ['main', 'isolated'] as const;

/** Body of `POST /api/sessions/:id/execute`: either `code` or `function`, never both. */
export const Execute = Type.Object(
  {
    code: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'A script. Its last expression is the result; a top-level `await` or `return` works too.',
      }),
    ),
    function: Type.Optional(
      Type.String({ minLength: 1, description: 'Source of a function, called with `args`: `(a, b) => a + b`.' }),
    ),
    args: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 256 })),
    awaitPromise: Type.Optional(Type.Boolean({ default: true })),
    returnByValue: Type.Optional(
      Type.Boolean({ default: true, description: 'false answers with a description in place of the value.' }),
    ),
    world: Type.Optional(
      Type.Enum(JAVASCRIPT_WORLDS, { default: 'main', description: 'isolated: the page cannot see or disturb it.' }),
    ),
    timeoutMs: Type.Optional(OperationTimeoutMs),
  },
  { additionalProperties: false },
);
export type Execute = Static<typeof Execute>;

export const ExecuteResult = Type.Object({
  result: Type.Unknown({ description: 'null for undefined.' }),
  type: Type.String({ description: 'JavaScript type of the result, as typeof says it, or its subtype such as array.' }),
  durationMs: Type.Number(),
});
export type ExecuteResult = Static<typeof ExecuteResult>;

const WAIT_UNTIL = ['load', 'domcontentloaded', 'networkidle', 'commit'] as const;

/** Body of `POST /api/sessions/:id/navigate`. */
export const Navigate = Type.Object(
  {
    url: PageUrl,
    waitUntil: Type.Optional(Type.Enum(WAIT_UNTIL, { default: 'load' })),
    timeoutMs: Type.Optional(OperationTimeoutMs),
    referer: Type.Optional(Type.String({ maxLength: 8_192, pattern: '^https?://' })),
  },
  { additionalProperties: false },
);
export type Navigate = Static<typeof Navigate>;

export const NavigateResult = Type.Object({
  url: Type.String({ description: 'Where the page ended up after redirects.' }),
  status: Type.Union([Type.Integer(), Type.Null()], { description: 'HTTP status; null where there is none.' }),
  title: Type.String(),
  timing: Type.Object(
    {
      totalMs: Type.Number({ description: 'From the request to the awaited moment, seen by the service.' }),
      responseMs: Type.Union([Type.Number(), Type.Null()]),
      domContentLoadedMs: Type.Union([Type.Number(), Type.Null()]),
      loadMs: Type.Union([Type.Number(), Type.Null()]),
    },
    { description: 'Milliseconds from the start of the navigation; null: not reached, or not an HTTP page.' },
  ),
});
export type NavigateResult = Static<typeof NavigateResult>;

const Clip = Type.Object(
  {
    x: Type.Number({ minimum: 0 }),
    y: Type.Number({ minimum: 0 }),
    width: Type.Number({ exclusiveMinimum: 0, maximum: 16_384 }),
    height: Type.Number({ exclusiveMinimum: 0, maximum: 16_384 }),
  },
  { additionalProperties: false, description: 'CSS pixels of the document.' },
);

const IMAGE_FORMATS = ['png', 'jpeg', 'webp'] as const;

/** Body of `POST /api/sessions/:id/screenshot`. At most one of `fullPage`, `clip` and `selector`. */
export const Screenshot = Type.Object(
  {
    format: Type.Optional(Type.Enum(IMAGE_FORMATS, { default: 'png' })),
    quality: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: 'jpeg and webp only.' })),
    fullPage: Type.Optional(Type.Boolean()),
    clip: Type.Optional(Clip),
    selector: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, description: 'CSS; the first match.' })),
    omitBackground: Type.Optional(Type.Boolean({ description: 'Transparent where the page has no background.' })),
    scale: Type.Optional(Type.Number({ minimum: 0.1, maximum: 4 })),
    store: Type.Optional(Type.Boolean({ description: 'Keep it as an artifact; not available in this version.' })),
    timeoutMs: Type.Optional(OperationTimeoutMs),
  },
  { additionalProperties: false, ...OPTIONAL_BODY },
);
export type Screenshot = Static<typeof Screenshot>;

const PAPER_SIZES = ['letter', 'legal', 'tabloid', 'ledger', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6'] as const;
const Inches = Type.Number({ minimum: 0, maximum: 200 });

/** Body of `POST /api/sessions/:id/pdf`. Lengths are inches. */
export const Pdf = Type.Object(
  {
    paper: Type.Optional(Type.Enum(PAPER_SIZES, { default: 'letter' })),
    widthInches: Type.Optional(Inches),
    heightInches: Type.Optional(Inches),
    landscape: Type.Optional(Type.Boolean()),
    printBackground: Type.Optional(Type.Boolean()),
    scale: Type.Optional(Type.Number({ minimum: 0.1, maximum: 2 })),
    margin: Type.Optional(
      Type.Object(
        {
          top: Type.Optional(Inches),
          bottom: Type.Optional(Inches),
          left: Type.Optional(Inches),
          right: Type.Optional(Inches),
        },
        { additionalProperties: false },
      ),
    ),
    pageRanges: Type.Optional(
      Type.String({ maxLength: 256, pattern: '^[0-9, -]*$', description: "Such as '1-3, 5'." }),
    ),
    headerTemplate: Type.Optional(Type.String({ maxLength: 65_536 })),
    footerTemplate: Type.Optional(Type.String({ maxLength: 65_536 })),
    preferCssPageSize: Type.Optional(Type.Boolean()),
    store: Type.Optional(Type.Boolean({ description: 'Keep it as an artifact; not available in this version.' })),
    timeoutMs: Type.Optional(OperationTimeoutMs),
  },
  { additionalProperties: false, ...OPTIONAL_BODY },
);
export type Pdf = Static<typeof Pdf>;

/** Answer of `GET /api/sessions/:id/content`. */
export const PageContent = Type.Object({
  url: Type.String(),
  title: Type.String(),
  html: Type.String({ description: 'The document as it is now, with its doctype.' }),
});
export type PageContent = Static<typeof PageContent>;
