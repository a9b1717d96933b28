// Runs in a process of its own that may neither start programs nor write files, nor read any but the code: fetches what
// it is told, and says which files it got.
import { EgressGuard } from '../../../src/egress/index.ts';
import { type GitAccess, GitClient, parseGitReference } from '../../../src/git/index.ts';

interface Task {
  readonly url: string;
  readonly access: GitAccess;
  readonly plainHttpHosts: readonly string[];
}

const task: Task = JSON.parse(process.argv[2] ?? '');
const { plainHttpHosts, access } = task;
const client = new GitClient({ guard: new EgressGuard({ allow: ['127.0.0.1'] }), plainHttpHosts });
const reference = parseGitReference(task.url, { plainHttpHosts });
const signal = AbortSignal.timeout(30_000);
const { commit } = await client.resolve(reference, access, signal);
const files = await client.fetch(reference, commit, access, signal);
await client.close();
process.stdout.write(JSON.stringify([...files.keys()]));
