// The real program as a child process: what it prints, and how it ends.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseYaml } from './yaml-file.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROGRAM = join(ROOT, 'src/cli/pequod.ts');
const EXAMPLES = join(ROOT, 'examples');

interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function pequod(args: readonly string[], stdin: string = ''): Promise<Outcome> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: 'pipe' });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const [exitCode, stdout, stderr] = await Promise.all([closed, text(child.stdout), text(child.stderr)]);
  return { exitCode, stdout, stderr };
}

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pequod-cli-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function example(name: string): Promise<string> {
  return await readFile(join(EXAMPLES, name), 'utf8');
}

describe('render', () => {
  test('prints the objects as a YAML stream', async () => {
    const { exitCode, stdout, stderr } = await pequod(['render', '-f', join(EXAMPLES, 'inline.yaml')]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(parseAllDocuments(stdout).map((document) => document.toJS())).toMatchObject([
      { kind: 'ConfigMap', metadata: { name: 'hello-greeting' }, data: { text: 'Hello, world!' } },
      { kind: 'ConfigMap', metadata: { name: 'hello-signature' }, data: { text: 'from shop' } },
    ]);
  });

  test('prints one JSON list, with numbers unchanged', async () => {
    const big = (await example('inline.yaml')).replace(
      /"from \\\(context.namespace\)"/,
      '"n"\n      \t\tbig: 9223372036854775807',
    );
    const { exitCode, stdout } = await pequod(['render', '-f', '-', '-o', 'json'], big);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'List',
      items: [{ kind: 'ConfigMap' }, { kind: 'ConfigMap' }],
    });
    expect(stdout).toContain('"big": 9223372036854775807');
  });

  test('takes a module from a ConfigMap beside the Transform, or from a folder', async () => {
    const both = await pequod(['render', '-f', join(EXAMPLES, 'configmap.yaml')]);
    expect(both.exitCode).toBe(0);

    const [configMap] = parseYaml('configmap.yaml', await example('configmap.yaml'));
    expect(configMap?.value).toMatchObject({ data: { 'schema.cue': expect.any(String) } });
    const { data } = JSON.parse(JSON.stringify(configMap?.value));
    for (const [name, content] of Object.entries(data)) await file(name, String(content));
    const [, ...rest] = (await example('configmap.yaml')).split('\n---\n');
    const transform = await file('transform.yaml', rest.join('\n'));

    const alone = await pequod(['render', '-f', transform]);
    expect(alone.exitCode).toBe(2);
    expect(alone.stderr).toMatch(/^\S+transform\.yaml:\d+:\d+: .*ConfigMap worker-module.*--module-dir/);

    const fromFolder = await pequod(['render', '-f', transform, '--module-dir', folder]);
    expect(fromFolder).toEqual({ exitCode: 0, stdout: both.stdout, stderr: '' });
  });

  test('takes a whole module from a folder before it is in a registry', async () => {
    const place = join(folder, 'greeting');
    for (const part of ['cue.mod', 'words']) await mkdir(join(place, part), { recursive: true });
    const moduleFile = 'module: "example.com/greeting@v0"\nlanguage: version: "v0.16.0"\n';
    await file('greeting/cue.mod/module.cue', moduleFile);
    await file('greeting/words/words.cue', 'package words\n\nhello: "Hello"\n');
    const object = '{apiVersion: "v1", kind: "ConfigMap", metadata: name: "a", data: text: words.hello}';
    const source = `package greeting\n\nimport "example.com/greeting/words"\n\ngraph: nodes: a: object: ${object}\n`;
    await file('greeting/greeting.cue', source);
    const cueRefs = [
      '{type: oci, ref: "oci://registry.invalid/greeting:v1"}',
      '{type: git, ref: "https://git.invalid/all.git?path=greeting"}',
      '{type: configmap, ref: greeting}',
    ];
    for (const cueRef of cueRefs) {
      const head = 'apiVersion: platform.pequod.io/v1alpha1\nkind: Transform\nmetadata: {name: hello}\n';
      const transform = await file('hello.yaml', `${head}spec: {cueRef: ${cueRef}}\n`);
      const { exitCode, stdout, stderr } = await pequod(['render', '-f', transform, '--module-dir', place]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(parseAllDocuments(stdout).map((document) => document.toJS())).toMatchObject([
        { kind: 'ConfigMap', data: { text: 'Hello' } },
      ]);
    }
  });
});

describe('live values', () => {
  const chain = async (): Promise<string> => {
    const page = await readFile(join(ROOT, 'docs/live-values.md'), 'utf8');
    return await file('live.yaml', /```yaml\n([\s\S]*?)\n```/.exec(page)?.[1] ?? '');
  };

  test('what is known is printed, and what waits is named', async () => {
    const { exitCode, stdout, stderr } = await pequod(['render', '-f', await chain()]);
    expect(exitCode).toBe(0);
    expect(parseAllDocuments(stdout).map((document) => document.toJS())).toMatchObject([{ kind: 'Service' }]);
    expect(stderr).toContain('info: node settings waits for observed.db.address, observed.db.port\n');
    expect(stderr).toContain('info: node app waits for observed.settings.url\n');
    const validated = await pequod(['validate', '-f', await chain()]);
    expect(validated.stdout).toContain('is valid: 3 nodes, of which 2 wait for live values');
  });

  test('may be given in a file', async () => {
    const values = await file(
      'values.yaml',
      'db: {address: 10.0.0.1, port: 5432}\nsettings: {url: "x://y"}\n',
    );
    const { stdout, stderr } = await pequod(['render', '-f', await chain(), '--observed', values]);
    expect(stderr).toBe('');
    expect(stdout).toContain('url: postgres://10.0.0.1:5432');
    expect(stdout).toContain('command: serve --database=x://y');
    const wrong = await pequod([
      'render',
      '-f',
      await chain(),
      '--observed',
      await file('wrong.yaml', 'db: 1\n'),
    ]);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain('{<node id>: {<export>: value}}');
  });
});

describe('validate', () => {
  test.each(['webservice.yaml', 'database.yaml'])('finds nothing wrong with %s', async (name) => {
    const { exitCode, stdout, stderr } = await pequod(['validate', '-f', join(EXAMPLES, name)]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/ is valid: \d+ nodes\n$/);
  });

  test('refuses objects outside of the namespace, as the operator does', async () => {
    const inline = await example('inline.yaml');
    const other = inline.replace(
      /metadata: name: ("[^\n]*-greeting")/,
      'metadata: {name: $1, namespace: "kube-system"}',
    );
    const role = inline.replace(
      /graph: nodes: \{/,
      '$&\n      \trole: object: {apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: name: "r"}',
    );
    const elsewhere = await pequod(['validate', '-f', '-'], other);
    expect(elsewhere.exitCode).toBe(1);
    expect(elsewhere.stderr).toContain('is in namespace kube-system, only shop is allowed');
    const clusterWide = await pequod(['validate', '-f', '-'], role);
    expect(clusterWide.exitCode).toBe(1);
    expect(clusterWide.stderr).toContain('node role: ClusterRole r is cluster-scoped');
  });

  test('names every wrong input with its line and the place in the module', async () => {
    const wrong = (await example('webservice.yaml'))
      .replace('replicas: 2', 'replicas: -1')
      .replace('port: 80', 'port: 99999');
    const { exitCode, stderr } = await pequod(['validate', '-f', '-'], wrong);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/<stdin>:\d+:\d+: error: input\.replicas: .*schema\.cue:\d+:\d+\)/);
    expect(stderr).toMatch(/<stdin>:\d+:\d+: error: input\.service\.port: .*schema\.cue:\d+:\d+\)/);
    const line = wrong.split('\n').findIndex((each) => each.includes('replicas: -1')) + 1;
    expect(stderr).toContain(`<stdin>:${line}:15: error: input.replicas`);
  });

  test('names wrong fields of the Transform itself, misspelt ones too', async () => {
    const wrong = (await example('webservice.yaml')).replace('ref: webservice', 'ref: ""\n    reff: x');
    const { exitCode, stderr } = await pequod(['validate', '-f', '-'], wrong);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/<stdin>:\d+:\d+: spec\.cueRef\.ref: must not be empty/);
    expect(stderr).toMatch(/<stdin>:\d+:\d+: spec\.cueRef\.reff: unknown field; there are type, ref, path/);
  });

  test('sees what is wrong with the graph', async () => {
    const wrong = (await example('inline.yaml')).replace('["greeting"]', '["nobody"]');
    const { exitCode, stderr } = await pequod(['validate', '-f', '-'], wrong);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/error: .*signature.*nobody/);
  });

  test('says where a module has a syntax error', async () => {
    const wrong = (await example('inline.yaml')).replace('#Input: {', '#Input: {{');
    const { exitCode, stderr } = await pequod(['validate', '-f', '-'], wrong);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/\(inline\.cue:\d+:\d+\)/);
  });
});

describe('a wrong call ends with 2 and says why', () => {
  test.each([
    ['no file', ['render'], '', "required option '-f, --filename <file>'"],
    ['a file that is missing', ['render', '-f', 'nowhere.yaml'], '', 'nowhere.yaml: there is no such file'],
    ['a folder', ['render', '-f', '.'], '', '.: is a directory'],
    ['an unknown command', ['rendr'], '', "unknown command 'rendr'"],
    ['an unknown format', ['render', '-f', '-', '-o', 'toml'], '', 'Allowed choices are yaml, json'],
    ['an empty file', ['validate', '-f', '-'], '# nothing\n', '<stdin>: holds no Transform'],
    ['bad YAML', ['validate', '-f', '-'], 'a: 1\nb: [2\n', '<stdin>:3:1: '],
    [
      'no object',
      ['validate', '-f', '-'],
      'a: 1\n',
      '<stdin>:1:1: not a Kubernetes object: apiVersion, kind, metadata missing',
    ],
    [
      'another kind',
      ['validate', '-f', '-'],
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n',
      '<stdin>:2:7: v1 Pod is not a Transform (platform.pequod.io/v1alpha1)',
    ],
  ])('%s', async (_name, args, stdin, message) => {
    const { exitCode, stdout, stderr } = await pequod(args, stdin);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('two Transforms', async () => {
    const two = `${await example('webservice.yaml')}---\n${await example('inline.yaml')}`;
    const { exitCode, stderr } = await pequod(['validate', '-f', '-'], two);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^<stdin>:\d+:1: a second Transform/);
  });
});

test('help and version end with 0', async () => {
  const help = await pequod(['--help']);
  expect(help).toMatchObject({ exitCode: 0, stderr: '' });
  expect(help.stdout).toContain('Exit codes: 0 done');
  const version = await pequod(['version']);
  expect(version).toMatchObject({ exitCode: 0, stderr: '' });
  expect(version.stdout).toMatch(/^pequod \d+\.\d+\.\d+/);
});
