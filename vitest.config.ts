import { configDefaults, defineConfig } from 'vitest/config';

const notOurs = [...configDefaults.exclude, 'data/**', 'coverage/**'];

/** Why an acceptance test is made only on a service of its own, and left out where that was started elsewhere. `npm test` counts them by these. */
const OWN_SERVICE_TAGS = [
  { name: 'own-process', description: 'looks at the processes, the folder or the log of its service, or ends it' },
  { name: 'own-settings', description: 'needs settings of its own, or what only a development server has' },
  { name: 'one-node', description: 'is about what one node says of itself, and would ask another the next time' },
];
/** Why one is left out where browsers cannot reach loopback of this machine (GUISE_PAGES_HOST), nor this machine what is not behind the gateway. */
const SAME_MACHINE_TAG = {
  name: 'same-machine',
  description:
    'needs pages on loopback, which are secure, a session’s own port, or what is answered to internal addresses',
};

/** Acceptance tests that are made through the gateway too: those that tell most by the minute, or all that can be. */
const GATEWAY_FILES =
  (process.env['GATEWAY_TESTS'] ?? (process.env['GUISE_URL'] === undefined ? 'some' : 'all')) === 'all'
    ? ['rest', 'lifecycle', 'page', 'capture', 'options', 'errors', 'events', 'realtime', 'realtime-events', 'connect']
        .concat(['cdp', 'cdp-drivers', 'cdp-policy', 'first-requests', 'hidden-clients', 'hidden-puppeteer'])
        .concat(['hidden-playwright', 'profiles', 'profile-sessions', 'operations', 'page-errors', 'properties'])
        .concat(['tenants', 'keys', 'audit'])
    : ['rest', 'events', 'connect', 'cdp-drivers', 'tenants'];
/** Started here unless the service is named by its address. */
const GATEWAY_SERVERS = process.env['GUISE_URL'] === undefined ? ['server/testing/postgres-global-setup.ts'] : [];

/**
 * The suffix of a test file says what it needs: nothing, a real PostgreSQL, a real Chromium, or the running service; those of
 * `identity` look at the browsers of the running service as a site would, those of `egress` try to get out of them, those of
 * `cluster` need what stands around nodes (nginx, promtool, helm). Those of `gateway` are acceptance tests once more, on three nodes
 * behind nginx; the whole of them with GATEWAY_TESTS=all.
 * The projects run one after another (`groupOrder`), so that no test measures or waits for a browser while others take the
 * processor.
 */
export default defineConfig({
  test: {
    dangerouslyIgnoreUnhandledErrors: false,
    // Three nodes are stopped, each with its browsers, and what they kept is looked at.
    teardownTimeout: 60_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.{ts,mjs}'],
          exclude: [
            ...notOurs,
            '**/*.{db,browser,cluster}.test.ts',
            'test/{acceptance,cluster}/**',
            'test/{identity,egress}/*.test.ts',
          ],
          maxWorkers: '100%',
          // Thousands of made-up inputs take their time on a machine that does other things beside.
          testTimeout: 30_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'db',
          include: ['**/*.db.test.ts'],
          exclude: notOurs,
          // Starts the PostgreSQL that the files of this project share.
          globalSetup: ['server/testing/postgres-global-setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'browser',
          include: ['**/*.browser.test.ts'],
          exclude: notOurs,
          // Each test starts browsers of its own: files at once would only make them wait for each other.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'acceptance',
          include: ['test/acceptance/**/*.test.ts'],
          exclude: notOurs,
          tags: [...OWN_SERVICE_TAGS, SAME_MACHINE_TAG],
          // Each file has a service of its own, and most of them wait more than they work.
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          name: 'identity',
          include: ['test/identity/*.test.ts'],
          exclude: notOurs,
          // Sessions are looked at two at a time already.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 5 },
        },
      },
      {
        test: {
          name: 'egress',
          include: ['test/egress/*.test.ts'],
          exclude: notOurs,
          // Each file has a service of its own, and most of them wait for what must not come.
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 6 },
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['**/*.cluster.test.ts', 'test/cluster/**/*.test.ts'],
          exclude: notOurs,
          // Each file has servers of its own, and most of them wait more than they work.
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 90_000,
          sequence: { groupOrder: 7 },
        },
      },
      {
        test: {
          name: 'gateway',
          include: GATEWAY_FILES.map((name) => `test/acceptance/${name}.test.ts`),
          exclude: notOurs,
          tags: [
            ...OWN_SERVICE_TAGS.map((tag) => ({ ...tag, skip: true })),
            { ...SAME_MACHINE_TAG, skip: process.env['GUISE_PAGES_HOST'] !== undefined },
          ],
          globalSetup: [...GATEWAY_SERVERS, 'test/gateway/gateway-global-setup.ts'],
          setupFiles: ['test/gateway/use-service.ts'],
          // All are made on one service.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 8 },
        },
      },
    ],
  },
});
