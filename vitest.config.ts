import { configDefaults, type ViteUserConfig } from 'vitest/config';
import { withoutGo } from './test/servers/index.ts';

const unitTests = [
  'src/**/*.test.ts',
  'packages/*/src/**/*.test.ts',
  'cue/**/*.test.ts',
  'test/unit/**/*.test.ts',
];

// `make test-tools` names them.
const exclude = [...configDefaults.exclude, ...(await withoutGo()).skipped];

const setupFiles = ['test/stack-traces.ts'];

const config: ViteUserConfig = {
  test: {
    reporters: ['default'],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/index.ts'],
    },
    projects: [
      { test: { name: 'unit', include: unitTests, setupFiles, testTimeout: 20_000 } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude,
          setupFiles,
          globalSetup: ['test/control-plane/vitest-global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          exclude,
          setupFiles,
          globalSetup: ['test/control-plane/vitest-global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          // One operator at a time on the cluster that all files share; within a file stories run side by side.
          fileParallelism: false,
          maxConcurrency: 8,
        },
      },
    ],
  },
};

// biome-ignore lint/style/noDefaultExport: vitest reads the configuration from the default export
export default config;
