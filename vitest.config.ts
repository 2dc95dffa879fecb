import { configDefaults, defineConfig } from 'vitest/config';

const notOurs = [...configDefaults.exclude, 'data/**', 'coverage/**'];

/**
 * The suffix of a test file says what it needs: nothing, a real PostgreSQL, a real Chromium, or the running service; those of
 * `identity` look at the browsers of the running service as a site would, those of `egress` try to get out of them, those of
 * `cluster` need what stands around nodes (nginx, promtool, helm).
 * The projects run one after another (`groupOrder`), so that no test measures or waits for a browser while others take the
 * processor.
 */
export default defineConfig({
  test: {
    dangerouslyIgnoreUnhandledErrors: false,
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
          fileParallelism: false,
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
          fileParallelism: false,
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
          globalSetup: ['server/testing/postgres-global-setup.ts', 'server/testing/redis-global-setup.ts'],
          // Rates and time-outs are real here, and the files share a Redis, and each starts several services.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 90_000,
          sequence: { groupOrder: 7 },
        },
      },
    ],
  },
});
