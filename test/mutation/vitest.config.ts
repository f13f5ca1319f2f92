import { defineConfig } from 'vitest/config';

/** The unit tests of what is mutated: without those that wait, start makes or break the linter's rules. */
export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts'],
    exclude: [
      'lint',
      'adapters/stdin',
      'engine/conf/reader',
      'engine/system/{exec,jobserver,lock}',
      'engine/kernel/uname',
      'report/{documents,lines,report,summary,terminal}',
    ].map((name) => `test/unit/${name}.test.ts`),
    testTimeout: 10_000,
  },
});
