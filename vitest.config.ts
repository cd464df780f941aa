import { defineConfig } from 'vitest/config'

/** e2e, cgroup and daemon tests wait for real processes: a generous bound, never reached when all is well. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/vm/**', 'node_modules/**', 'dist/**'],
    setupFiles: ['test/support/fixed-seed.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most of them wait for processes, not for a processor.
    maxWorkers: 3,
  },
})
