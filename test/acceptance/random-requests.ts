import fc, { type Arbitrary } from 'fast-check';

/** One request with a body, right or wrong; `{id}` in its path stands for a session. */
export interface RandomRequest {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly body: string;
}

/** Characters that code which was written for tidy text stumbles over. */
const ODD_TEXT = [
  '\u0000',
  '\ud800',
  '\udfff',
  '\u2028',
  '\ufeff',
  '\u202e',
  '"',
  '\\',
  '%',
  '${',
  '`',
  '</script>',
  '\n',
  '😀',
  'İ',
];

const text = fc.string({
  unit: fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), fc.constantFrom(...ODD_TEXT)),
  maxLength: 30,
});
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, 1, -1, 0.5, 2 ** 31, 2 ** 53, -(2 ** 63), Number.MAX_VALUE, Number.MIN_VALUE),
);
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom(null, true, false, '', [], {}),
    number,
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
})).value;

/** Numbers JSON can spell and JavaScript cannot hold, and the like: put in place of a placeholder after `stringify`. */
const RAW_VALUES = [
  '1e400',
  '-1e400',
  '1E-400',
  '0.1e+1',
  `1${'0'.repeat(400)}`,
  '"\\ud800"',
  '"\\u0000"',
  '01',
  '+1',
  'NaN',
];
const PLACEHOLDER = 'the-raw-value-goes-here';

const GARBAGE = fc.oneof(
  text,
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.integer({ min: 1, max: 20_000 }).map((depth) => '['.repeat(depth)),
  fc.integer({ min: 1, max: 5_000 }).map((depth) => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth)),
  fc.integer({ min: 1, max: 5_000 }).map((depth) => `{"metadata":${'['.repeat(depth)}${']'.repeat(depth)}}`),
  fc.constantFrom(
    '',
    ' ',
    'null',
    '{',
    '}',
    '{}{}',
    '{"a":1,"a":2}',
    '{"__proto__":{"a":1}}',
    '{"constructor":{"prototype":1}}',
    '\ufeff{}',
  ),
);

const short = fc.integer({ min: 1, max: 150 });
const label = fc.string({ maxLength: 10 });
const cookie = fc.record(
  {
    name: label,
    value: label,
    url: fc.constantFrom('http://a.test/', 'https://b.test/x'),
    domain: label,
    path: label,
    expires: number,
  },
  { requiredKeys: ['name', 'value'] },
);

interface Route {
  readonly method: string;
  readonly path: string;
  /** Bodies the route takes, with time-outs short enough for ten thousand of them. */
  readonly valid: Arbitrary<Readonly<Record<string, unknown>>>;
  readonly weight: number;
}

/** Refused as it is: a create that succeeds costs a browser, so that bodies which may succeed are made elsewhere, rarely. */
const refusedCreate = fc.record(
  {
    headless: fc.boolean(),
    stealthLevel: fc.constantFrom('none', 'basic', 'maximum'),
    viewport: fc.record({ width: fc.integer(), height: fc.integer() }),
    timezone: text,
    locale: text,
    metadata: fc.dictionary(text, text, { maxKeys: 3 }),
    launchArgs: fc.array(text, { maxLength: 3 }),
    extensions: fc.array(text, { maxLength: 3 }),
    userAgent: text,
    startUrl: text,
    refused: json,
  },
  { requiredKeys: ['refused'] },
);

const ROUTES: readonly Route[] = [
  { method: 'POST', path: '/api/sessions', valid: refusedCreate, weight: 3 },
  { method: 'POST', path: '/api/sessions/create', valid: refusedCreate, weight: 2 },
  {
    method: 'POST',
    path: '/api/sessions/{id}/execute',
    weight: 4,
    valid: fc.oneof(
      fc.record({
        code: fc.oneof(text, fc.constantFrom('1', 'throw 1', '({})', 'await 1', 'return 1', 'window')),
        timeoutMs: short,
      }),
      fc.record({
        function: fc.oneof(text, fc.constantFrom('(a) => a', '() => document.title')),
        args: fc.array(json, { maxLength: 3 }),
        timeoutMs: short,
      }),
    ),
  },
  {
    method: 'POST',
    path: '/api/sessions/{id}/navigate',
    weight: 2,
    valid: fc.record({
      url: fc.oneof(
        text.map((each) => `data:text/html,${each}`),
        fc.constantFrom('about:blank', 'http://127.0.0.1:1/', 'http://['),
      ),
      timeoutMs: short,
    }),
  },
  {
    method: 'POST',
    path: '/api/sessions/{id}/screenshot',
    weight: 1,
    valid: fc.record(
      {
        format: fc.constantFrom('png', 'jpeg', 'webp'),
        timeoutMs: short,
        clip: fc.record({ x: number, y: number, width: number, height: number }),
      },
      { requiredKeys: ['timeoutMs'] },
    ),
  },
  {
    method: 'POST',
    path: '/api/sessions/{id}/pdf',
    weight: 1,
    valid: fc.record(
      { scale: number, widthInches: number, pageRanges: label, landscape: fc.boolean(), timeoutMs: short },
      { requiredKeys: ['timeoutMs'] },
    ),
  },
  { method: 'POST', path: '/api/sessions/{id}/keepalive', valid: fc.constant({}), weight: 1 },
  {
    method: 'PUT',
    path: '/api/sessions/{id}/cookies',
    valid: fc.record({ cookies: fc.array(cookie, { maxLength: 3 }) }),
    weight: 2,
  },
  {
    method: 'POST',
    path: '/api/profiles/bulk',
    weight: 1,
    valid: fc.record({ action: fc.constantFrom('tag', 'untag'), ids: fc.array(fc.uuid()), tags: fc.array(text) }),
  },
  {
    method: 'PATCH',
    path: '/api/profiles/{id}',
    weight: 1,
    valid: fc.record({ name: text, notes: text, folder: text, tags: fc.array(text) }, { requiredKeys: ['name'] }),
  },
  {
    method: 'PUT',
    path: '/api/profiles/{id}/cookies',
    weight: 1,
    valid: fc.record({ cookies: fc.array(cookie, { maxLength: 3 }) }),
  },
  {
    method: 'PATCH',
    path: '/api/sessions/{id}',
    weight: 2,
    valid: fc.record(
      { metadata: fc.dictionary(label, text, { maxKeys: 3 }), timeoutMs: fc.integer({ min: 600_000, max: 700_000 }) },
      { requiredKeys: ['timeoutMs'] },
    ),
  },
];

/** A body with one of its members, or a new one, made into something else. */
function mutated(valid: Route['valid']): Arbitrary<string> {
  return fc
    .record({
      body: valid,
      name: fc.nat(),
      value: fc.oneof(json, fc.constant(PLACEHOLDER)),
      raw: fc.constantFrom(...RAW_VALUES),
      added: text,
      adds: fc.boolean(),
    })
    .map(({ body, name, value, raw, added, adds }) => {
      // The time-out stays: without it one body could take as long as thirty thousand others.
      const names = Object.keys(body).filter((each) => each !== 'timeoutMs');
      const changed = adds ? added : (names[name % Math.max(1, names.length)] ?? added);
      return JSON.stringify({ ...body, [changed]: value }).replace(`"${PLACEHOLDER}"`, raw);
    });
}

const CONTENT_TYPES = [
  'text/plain',
  'application/xml',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  'application/jsonx',
  'x',
  '',
];

/** Any of the routes that take a body, with a body of any kind. */
export const randomRequest: Arbitrary<RandomRequest> = fc
  .oneof(...ROUTES.map((route) => ({ arbitrary: fc.constant(route), weight: route.weight })))
  .chain(({ method, path, valid }) =>
    fc.record({
      method: fc.constant(method),
      path: fc.oneof(
        { weight: 12, arbitrary: fc.constant(path) },
        { weight: 1, arbitrary: text.map((odd) => path.replace('{id}', encodeURIComponent(odd.toWellFormed()))) },
      ),
      contentType: fc.oneof(
        { weight: 12, arbitrary: fc.constant('application/json') },
        { weight: 1, arbitrary: fc.constantFrom(...CONTENT_TYPES) },
      ),
      body: fc.oneof(
        { weight: 4, arbitrary: mutated(valid) },
        { weight: 2, arbitrary: json.map((value) => JSON.stringify(value)) },
        { weight: 2, arbitrary: GARBAGE },
        { weight: 1, arbitrary: valid.map((body) => JSON.stringify(body)) },
      ),
    }),
  );
