// Modules as people publish them: with the tools of others, to registries and repositories of the tests.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Account, type Registry, runOrasTool } from '../../test/servers/index.ts';
import { member } from './member.ts';
import type { Space } from './space.ts';

/** A module that makes one ConfigMap, `made`, which says which version it is of and what the input's text is. */
export function sampleModule(version: string, name: string = 'made'): string {
  return `package story

#Input: {text: string | *"nothing"}
input: #Input

graph: nodes: made: object: {
	apiVersion: "v1"
	kind:       "ConfigMap"
	metadata: name: "${name}"
	data: {version: "${version}", text: input.text}
}
`;
}

/** Pushes files as layers, and returns the digest of the manifest. @param place `repository:tag` */
export async function pushFiles(
  registry: Registry,
  place: string,
  files: Readonly<Record<string, string>>,
  account?: Account,
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'publish-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), text);
    }
    const { exitCode, stdout, stderr } = await runOrasTool([
      'push',
      ...(registry.caFile === undefined ? ['--plain-http'] : ['--ca-file', registry.caFile]),
      ...(account === undefined ? [] : ['--user', account.username, '--password', account.password]),
      ...['--directory', directory],
      `${registry.host}/${place}`,
      ...Object.keys(files),
    ]);
    if (exitCode !== 0) throw new Error(`oras-tool: ${stderr}`);
    return stdout.trim();
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Pushes {@link sampleModule}. */
export async function pushSample(
  registry: Registry,
  place: string,
  version: string,
  account?: Account,
): Promise<string> {
  return await pushFiles(registry, place, { 'story.cue': sampleModule(version) }, account);
}

/** Data of a Secret: the values in Base64. */
export function secretData(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
}

/** A Secret as `kubectl create secret docker-registry` makes it. */
export function loginSecret(
  host: string,
  { username, password }: Account,
): {
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
} {
  const config = { auths: { [host]: { username, password } } };
  const data = secretData({ '.dockerconfigjson': JSON.stringify(config) });
  return { type: 'kubernetes.io/dockerconfigjson', data };
}

/** Waits until {@link sampleModule}'s ConfigMap says this. */
export async function untilMade(space: Space, expected: Readonly<Record<string, string>>): Promise<void> {
  await space.untilFound('ConfigMap', 'made', (found) =>
    Object.entries(expected).every(([key, value]) => member(found, 'data', key) === value),
  );
}

/** Asks for a reconcile by annotation, and waits until it is over. */
export async function askNow(space: Space, name: string, token: string): Promise<void> {
  await space.patch('Transform', name, { metadata: { annotations: { 'pequod.io/reconcile': token } } });
  await space.untilTransform(
    name,
    'has handled it',
    ({ status }) => status?.lastHandledReconcileAt === token,
  );
}
