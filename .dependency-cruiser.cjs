const TESTS = '\\.test\\.(ts|mjs)$|^(server|cloud)/testing/|^test/';
const DOOR = '^server/features/[^/]+/index\\.ts$';

/** Features from the top down: none may import from a row above its own. */
const LAYERS = ['cdp|live|realtime|scripts', 'sessions', 'pool', 'profiles|identity|proxies|egress'];

const featuresLookDown = LAYERS.slice(1).map((layer, index) => ({
  name: `${layer.replaceAll('|', '-')}-know-nothing-above`,
  severity: 'error',
  from: { path: `^server/features/(${layer})/`, pathNot: TESTS },
  to: { path: `^server/features/(${LAYERS.slice(0, index + 1).join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'unresolvable',
      comment: 'Imported, but not to be found: a missing dependency or a wrong path.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'contract-is-pure',
      severity: 'error',
      from: { path: '^contract/', pathNot: TESTS },
      to: { pathNot: '^contract/|node_modules/typebox/' },
    },
    {
      name: 'lib-is-a-leaf',
      comment: 'Words without domain. The contract is the one exception: an error carries a code of it.',
      severity: 'error',
      from: { path: '^server/lib/', pathNot: TESTS },
      to: { path: '^server/(?!lib/|node_modules/)' },
    },
    {
      name: 'platform-knows-no-domain',
      severity: 'error',
      from: { path: '^server/platform/', pathNot: TESTS },
      to: { path: '^server/(?!platform/|lib/|node_modules/)' },
    },
    {
      name: 'browser-knows-no-domain',
      severity: 'error',
      from: { path: '^server/browser/', pathNot: TESTS },
      to: { path: '^server/(?!browser/|lib/|platform/logger/|node_modules/)' },
    },
    {
      name: 'features-know-no-http',
      comment: 'Routes do: they are the only place where a feature meets HTTP.',
      severity: 'error',
      from: { path: '^server/features/', pathNot: `-routes\\.ts$|${TESTS}` },
      to: { path: 'node_modules/(fastify|@fastify)/|^server/http/' },
    },
    {
      name: 'only-the-composition-reads-settings',
      comment: 'The files directly in server/ put the parts together; each part receives values.',
      severity: 'error',
      from: { pathNot: `^server/(settings/|[^/]+\\.ts$)|${TESTS}` },
      to: { path: '^server/settings/' },
    },
    {
      name: 'nobody-imports-the-composition',
      severity: 'error',
      from: { pathNot: `^server/[^/]+\\.ts$|${TESTS}` },
      to: { path: '^server/[^/]+\\.ts$' },
    },
    {
      name: 'enter-a-feature-by-its-door',
      severity: 'error',
      from: { path: '^server/features/([^/]+)/' },
      to: { path: '^server/features/', pathNot: ['^server/features/$1/', DOOR] },
    },
    {
      name: 'enter-a-feature-by-its-door-from-outside',
      severity: 'error',
      from: { pathNot: '^server/features/' },
      to: { path: '^server/features/', pathNot: DOOR },
    },
    ...featuresLookDown,
    {
      name: 'tests-stay-out-of-production',
      severity: 'error',
      // A benchmark brings up what tests do.
      from: { pathNot: `${TESTS}|^bench/` },
      to: { path: TESTS },
    },
    {
      name: 'production-knows-no-tooling',
      severity: 'error',
      from: { path: '^(server|contract)/' },
      to: { path: '^(tools|bench|test)/' },
    },
    {
      name: 'production-imports-what-it-declares',
      comment: 'Not development dependencies, and not what only the root declares; types are gone at run time.',
      severity: 'error',
      from: { path: '^(server|contract)/', pathNot: TESTS },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'acceptance-is-a-black-box',
      comment:
        'And so are the soak and the leak check: the service is seen from outside. The servers it stands on are started as the tests of its parts start them.',
      severity: 'error',
      from: { path: '^test/' },
      to: { path: '^server/', pathNot: '^server/testing/(postgres|redis)-server[.]ts$' },
    },
    {
      name: 'acceptance-takes-only-types-from-the-contract',
      severity: 'error',
      from: { path: '^test/' },
      to: { path: '^contract/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'bootstrap-has-no-dependencies',
      comment: 'It runs before anything is installed.',
      severity: 'error',
      from: { path: '^tools/', pathNot: `^tools/generate/|${TESTS}` },
      to: { pathNot: '^tools/', dependencyTypesNot: ['core'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(data|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
      mainFields: ['main', 'types'],
    },
  },
};
