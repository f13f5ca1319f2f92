import { defineConfig } from 'vitest/config';

/** The unit tests of what is mutated: without those that wait, start makes or break the linter's rules. */
export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts'],
    exclude: ['lint', 'stdin', 'engine/conf-reader', 'engine/jobserver', 'engine/lock', 'engine/uname', 'report/*'].map(
      (name) => `test/unit/${name}.test.ts`,
    ),
    testTimeout: 10_000,
  },
});
