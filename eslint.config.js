import comments from '@eslint-community/eslint-plugin-eslint-comments';
import js from '@eslint/js';
import node from 'eslint-plugin-n';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Size and shape, in every language we write: a file that trips these is two files. */
const shape = {
  'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
  'max-params': ['error', 3],
  complexity: ['error', 10],
  'max-depth': ['error', 4],
};

/** A rule is switched off for a reason, and the reason is written down. */
const disabling = {
  'comments/require-description': ['error', { ignore: ['eslint-enable'] }],
  'comments/no-unlimited-disable': 'error',
};

const BOOTSTRAP_GLOBALS = [
  'clearInterval',
  'clearTimeout',
  'console',
  'performance',
  'process',
  'setInterval',
  'setTimeout',
];

/** What the pages of the identity tests find in a browser; their servers make no use of it. */
const PAGE_GLOBALS = [
  ...BOOTSTRAP_GLOBALS,
  ...['document', 'location', 'navigator', 'screen', 'open', 'fetch', 'matchMedia', 'addEventListener', 'chrome'],
  ...[
    'devicePixelRatio',
    'innerHeight',
    'innerWidth',
    'outerHeight',
    'outerWidth',
    'screenX',
    'screenY',
    'isSecureContext',
  ],
  ...[
    'speechSynthesis',
    'Blob',
    'EventSource',
    'FontFace',
    'OfflineAudioContext',
    'OffscreenCanvas',
    'RTCPeerConnection',
  ],
  ...['AudioWorkletNode', 'AudioWorkletProcessor', 'registerProcessor', 'SharedWorker', 'URL', 'WebSocket', 'Worker'],
  ...['XMLHttpRequest'],
];

const noDefaultExports = [
  { selector: 'ExportDefaultDeclaration', message: 'Use named exports.' },
  { selector: 'ExportAllDeclaration', message: 'Name what you export.' },
];

const processOnly = (property) => ({
  object: 'process',
  property,
  message: 'Only server/index.ts deals with the process; take a value, a signal or a callback instead.',
});

export default defineConfig(
  globalIgnores(['coverage/', 'data/', '**/*.generated.ts']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    plugins: { n: node, comments },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...shape,
      ...disabling,

      // Async.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/require-await': 'off',

      // Types.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { requireDefaultForNonUnion: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true, ignoreVoidReturningFunctions: true },
      ],
      // `async () => void (await done)` says that the value is of no interest.
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // It takes `Promise.withResolvers<void>()` for a mistake.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // `await using _slot = …` holds something until the end of a block.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreUsingDeclarations: true }],
      // It believes that nothing changes during an `await`; our code looks again after one, and is right to.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      'no-restricted-syntax': [
        'error',
        ...noDefaultExports,
        {
          selector:
            'PropertyDefinition[accessibility="private"], MethodDefinition[accessibility="private"][kind!="constructor"]',
          message: 'Use #private.',
        },
      ],

      // Imports and the process.
      'n/prefer-node-protocol': 'error',
      'no-console': 'error',
      'n/no-process-env': 'error',
      'n/no-process-exit': 'error',
      'no-restricted-properties': ['error', ...['argv', 'chdir', 'exitCode', 'on', 'once'].map(processOnly)],
      'no-restricted-imports': ['error', { paths: [{ name: 'node:process', message: 'Use the global `process`.' }] }],
    },
  },
  {
    // The service's own entry, and what is no part of the service.
    files: ['server/index.ts', '{server,cloud}/testing/**', '**/*.test.ts', 'test/**', 'bench/**', '*.config.ts'],
    rules: { 'n/no-process-env': 'off', 'n/no-process-exit': 'off', 'no-restricted-properties': 'off' },
  },
  { files: ['bench/**'], rules: { 'no-console': 'off' } },
  {
    files: ['**/*.test.ts'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', ignoreUsingDeclarations: true }],
    },
  },
  {
    // The bootstrap: plain JavaScript for the oldest Node that we support, without types and without dependencies.
    files: ['tools/**/*.mjs'],
    extends: [js.configs.recommended],
    plugins: { n: node, comments },
    languageOptions: {
      globals: Object.fromEntries(BOOTSTRAP_GLOBALS.map((name) => [name, 'readonly'])),
    },
    rules: {
      ...shape,
      ...disabling,
      'n/prefer-node-protocol': 'error',
      'n/no-unsupported-features/node-builtins': ['error', { version: '>=20.19.0' }],
      'n/no-unsupported-features/es-builtins': ['error', { version: '>=20.19.0' }],
      'n/no-unsupported-features/es-syntax': ['error', { version: '>=20.19.0' }],
      'no-restricted-syntax': ['error', ...noDefaultExports],
    },
  },
  { files: ['tools/**/*.test.mjs'], rules: { 'n/no-unsupported-features/node-builtins': 'off' } },
  {
    // Served to browsers as they are: classic scripts, which the site puts one behind the other.
    files: ['test/identity/page/*.js'],
    extends: [js.configs.recommended],
    plugins: { comments },
    languageOptions: {
      sourceType: 'script',
      globals: Object.fromEntries(
        [...PAGE_GLOBALS, 'candidateAddresses', 'debuggerTraces', 'realmValues', 'tamperFindings', 'windowPlace'].map(
          (name) => [name, 'writable'],
        ),
      ),
    },
    rules: {
      ...disabling,
      'no-unused-vars': ['error', { vars: 'local', varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      'no-redeclare': ['error', { builtinGlobals: false }],
    },
  },
  { files: ['test/identity/page/detectors.js'], languageOptions: { sourceType: 'module' } },
  {
    // Tools demand a default export here.
    files: ['*.config.ts', '*.config.js', 'server/testing/*-global-setup.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
