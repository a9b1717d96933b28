// The import directions of biome.json, tried on files that break them: a rule that matches nothing would pass unseen.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

interface Example {
  readonly file: string;
  readonly imports: string;
  readonly isAllowed: boolean;
}

const allowed = (file: string, imports: string): Example => ({ file, imports, isAllowed: true });
const refused = (file: string, imports: string): Example => ({ file, imports, isAllowed: false });

const EXAMPLES: readonly Example[] = [
  allowed('src/kube/client.ts', '../api/index.ts'),
  allowed('src/kube/client.ts', '../errors.ts'),
  allowed('src/kube/client.ts', './transport.ts'),
  refused('src/kube/client.ts', '../api/keys.ts'),
  refused('src/kube/client.ts', '../runtime/index.ts'),
  allowed('src/runtime/manager.ts', '../kube/index.ts'),
  refused('src/runtime/manager.ts', '../controllers/transform/index.ts'),
  allowed('src/graph/plan.ts', '../json/index.ts'),
  allowed('src/graph/plan.ts', '../cel/index.ts'),
  refused('src/graph/plan.ts', '../kube/index.ts'),
  allowed('src/cel/value.ts', '../json/index.ts'),
  refused('src/cel/value.ts', '../graph/index.ts'),
  refused('src/graph/plan.ts', '../observability/index.ts'),
  allowed('src/graph/retry.ts', '../backoff/index.ts'),
  refused('src/backoff/retry.ts', '../kube/index.ts'),
  refused('src/egress/guard.ts', '../kube/index.ts'),
  allowed('src/probes/ask.ts', '../egress/index.ts'),
  refused('src/probes/ask.ts', '../kube/index.ts'),
  refused('src/source/git.ts', '../kube/index.ts'),
  allowed('src/source/git.ts', '../git/index.ts'),
  refused('src/git/client.ts', '../source/index.ts'),
  allowed('src/git/client.ts', '../egress/index.ts'),
  allowed('src/git/client.ts', './pack/index.ts'),
  refused('src/git/client.ts', './pack/scan.ts'),
  refused('src/git/pack/scan.ts', '../client.ts'),
  refused('src/git/pack/scan.ts', '../../egress/index.ts'),
  allowed('src/git/pack/scan.ts', '../limits.ts'),
  refused('src/registry/client.ts', '../source/index.ts'),
  refused('src/archive/zip.ts', '../egress/index.ts'),
  refused('src/cache/store.ts', '../source/index.ts'),
  allowed('src/server/metrics-server.ts', '../runtime/index.ts'),
  refused('src/server/metrics-server.ts', '../controllers/transform/index.ts'),
  allowed('src/leases/holder.ts', '../kube/index.ts'),
  refused('src/leases/holder.ts', '../controllers/transform/index.ts'),
  refused('src/leases/holder.ts', '../server/index.ts'),
  allowed('src/signatures/verify.ts', '../registry/index.ts'),
  refused('src/signatures/verify.ts', '../source/index.ts'),
  refused('src/source/oci.ts', '../publishing/index.ts'),
  allowed('src/render/renderer.ts', '../source/index.ts'),
  refused('src/render/renderer.ts', '../kube/index.ts'),
  refused('src/apply/prune.ts', '../runtime/index.ts'),
  allowed('src/apply/prune.ts', '../graph/index.ts'),
  refused('src/api/schema/transform.ts', '../../kube/index.ts'),
  allowed('src/api/schema/transform.ts', '../keys.ts'),
  refused('src/controllers/transform/status.ts', '../../apply/index.ts'),
  refused('src/controllers/transform/status.ts', '../resourcegraph/index.ts'),
  refused('src/controllers/resourcegraph/status.ts', '../../render/index.ts'),
  allowed('src/controllers/resourcegraph/status.ts', '../../apply/index.ts'),
  allowed('src/revisions/store.ts', '../kube/index.ts'),
  refused('src/revisions/store.ts', '../runtime/index.ts'),
  refused('src/revisions/store.ts', '../graph/index.ts'),
  allowed('src/controllers/transform/status.ts', '../../revisions/index.ts'),
  allowed('src/controllers/resourcegraph/status.ts', '../../revisions/index.ts'),
  allowed('src/controllers/resourcegraph/plan/make-plan.ts', '../targets.ts'),
  allowed('src/controllers/resourcegraph/plan/make-plan.ts', '../../../planning/index.ts'),
  refused('src/controllers/resourcegraph/plan/make-plan.ts', '../../transform/index.ts'),
  refused('src/controllers/resourcegraph/plan/make-plan.ts', '../../../render/index.ts'),
  refused('src/planning/changes.ts', '../kube/index.ts'),
  refused('src/observability/metrics.ts', 'node:process'),
  allowed('src/cli/version.ts', '../render/index.ts'),
  refused('src/cli/version.ts', '../render/renderer.ts'),
];

const root = join(import.meta.dirname, '../..');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-directions-'));
  const settings: unknown = JSON.parse(await readFile(join(root, 'biome.json'), 'utf8'), (key, value) =>
    key === 'vcs' || key === '$schema' ? undefined : value,
  );
  await writeFile(join(folder, 'biome.json'), JSON.stringify(settings));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Files, of those given, in which the rule finds something. */
async function filesWithFindings(
  files: ReadonlyMap<string, string>,
  rule: string,
): Promise<ReadonlySet<string>> {
  for (const [file, text] of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  const args = ['lint', `--only=${rule}`, '--reporter=github', '--max-diagnostics=none', ...files.keys()];
  const output = await new Promise<string>((resolve) => {
    execFile(join(root, 'node_modules/.bin/biome'), args, { cwd: folder }, (_error, stdout) =>
      resolve(stdout),
    );
  });
  return new Set([...files.keys()].filter((file) => output.includes(`${file},line=`)));
}

test('imports that run against the layers are refused, the others are not', async () => {
  const files = new Map<string, string>();
  const expected = new Set<string>();
  EXAMPLES.forEach(({ file, imports, isAllowed }, index) => {
    const path = file.replace(/\.ts$/, `-${index}.ts`);
    files.set(path, `export * from '${imports}';\n`);
    if (!isAllowed) expected.add(path);
  });
  expect(await filesWithFindings(files, 'style/noRestrictedImports')).toEqual(expected);
});

test('only main and cli read the process', async () => {
  const text = 'export const home: string | undefined = process.env["HOME"];\n';
  const files = new Map(['src/kube/env.ts', 'src/main.ts', 'src/cli/env.ts'].map((file) => [file, text]));
  expect(await filesWithFindings(files, 'style/noRestrictedGlobals')).toEqual(new Set(['src/kube/env.ts']));
});
