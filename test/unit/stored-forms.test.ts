// What an operator stores in clusters is met by the next one. Fixed inputs give the values that were recorded, which
// test/fixtures/stored/README.md says the meaning of.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as api from '../../src/api/index.ts';
import { isKubeObject, type KubeObject, type ResolvedNode } from '../../src/api/index.ts';
import { ownedHash, ownedPathsHash, ownedPathsOf } from '../../src/apply/fields/index.ts';
import { fieldManagerOf, sentHash, stampObject } from '../../src/apply/index.ts';
import { expressionHash } from '../../src/cel/index.ts';
import { applySetId } from '../../src/graph/index.ts';
import {
  canonicalJson,
  hashJson,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  stringifyJson,
} from '../../src/json/index.ts';
import { planHash } from '../../src/planning/index.ts';
import { renderKey } from '../../src/render/index.ts';
import { decodeContent, encodeContent } from '../../src/revisions/content.ts';
import { candidateName, revisionName } from '../../src/revisions/history.ts';
import { treeDigest } from '../../src/source/index.ts';

const FILE = join(import.meta.dirname, '../fixtures/stored/v1alpha1.json');
const text = await readFile(FILE, 'utf8');
const stored = objectOf(parseJson(text));
const inputs = objectOf(stored['inputs']);

function objectOf(value: JsonValue | undefined): JsonObject {
  if (!isJsonObject(value)) throw new Error('not an object');
  return value;
}

function kubeObjectOf(value: JsonValue | undefined): KubeObject {
  if (!isKubeObject(value)) throw new Error('not an object of the API');
  return value;
}

/** Numbers that no double holds are compared, too. */
function expectStored(name: string, value: JsonValue): void {
  expect(canonicalJson(value)).toBe(canonicalJson(stored[name]));
}

const KEY = { namespace: 'shop', name: 'web' };
const LONG = { namespace: `${'n'.repeat(62)}1`, name: `${'long.name-'.repeat(12)}end` };
const OWNER = { ...KEY, graphId: applySetId(KEY), manager: fieldManagerOf(KEY) };
const REVISED = { ...KEY, uid: '0e1d2c3b-0000-4000-8000-000000000001' };
const HASH = `sha256:${'0123456789abcdef'.repeat(4)}`;

function nodeOf(): ResolvedNode {
  return { id: 'app', object: kubeObjectOf(inputs['nodeObject']) };
}

describe('what is stored in a cluster is what it was:', () => {
  test('names, labels, annotations, finalizers', () => {
    const names = Object.entries(api).flatMap(([name, value]) =>
      /^[A-Z_]+$/.test(name) && typeof value === 'string' ? [[name, value] as const] : [],
    );
    expectStored('names', Object.fromEntries(names));
  });

  test('ids and field managers of graphs', () => {
    expectStored('applySetIds', [KEY, LONG].map(applySetId));
    expectStored('fieldManagers', [KEY, LONG].map(fieldManagerOf));
  });

  test('what is stamped on an object, and the hash of what is sent', () => {
    const basics = { owner: OWNER, namespace: 'shop' } as const;
    const created = stampObject(nodeOf(), { ...basics, origin: 'Created', deletion: 'Delete' });
    const kept = stampObject(nodeOf(), { ...basics, origin: 'Adopted', deletion: 'Orphan' });
    const found = stampObject(nodeOf(), { ...basics, origin: 'Found', deletion: 'Delete' });
    expectStored('stamped', [created, kept, found]);
    expectStored('sent', [sentHash(created, []), sentHash(created, ['/spec/replicas']), sentHash(kept, [])]);
  });

  test('hashes of what we own in a live object', () => {
    const live = kubeObjectOf(inputs['liveObject']);
    const ignored = ['/spec/replicas'];
    expectStored('owned', [
      ownedHash(live, OWNER.manager) ?? '',
      ownedHash(live, OWNER.manager, ignored) ?? '',
    ]);
    expectStored(
      'ownedPaths',
      [[], ignored].map((without) => ownedPathsHash(ownedPathsOf(live, OWNER.manager, without))),
    );
  });

  test('hashes of a render, and what it depends on', () => {
    const object = kubeObjectOf(inputs['nodeObject']);
    expectStored(
      'renderHash',
      hashJson([
        { id: 'app', object, dependsOn: ['db'] },
        { id: 'db', waitsFor: ['observed.x.y'] },
      ]),
    );
    const files = new Map([
      ['app.cue', 'package app\n'],
      ['cue.mod/module.cue', 'module: "example.com/app@v0"\n'],
      ['ä.cue', 'package app // ü\n'],
    ]);
    expectStored('treeDigest', treeDigest(files));
    const parts = {
      moduleDigest: treeDigest(files),
      packagePath: '.',
      input: objectOf(inputs['input']),
      context: {
        ...KEY,
        labels: { team: 'a' },
        annotations: {},
        cluster: { version: 'v1.36.3', apiVersions: ['apps/v1', 'v1'] },
      },
      observed: { db: { host: 'h' } },
      expressionHashes: { db: { host: expressionHash('object.status.host') } },
      reads: ['context.labels.team', 'observed.db.host'],
      policiesDigest: HASH,
      evaluatorVersion: 'v1',
    };
    expectStored('renderKey', [renderKey(parts), renderKey({ ...parts, reads: [] })]);
    expectStored('expressionHash', expressionHash('object.status.host'));
  });

  test('names of revisions and hashes of plans', () => {
    expectStored('revisionNames', [
      revisionName(REVISED, 3),
      candidateName(REVISED, HASH),
      revisionName({ ...REVISED, ...LONG }, 12),
    ]);
    const effects = [
      {
        action: 'Prune' as const,
        identity: { group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'shop', name: 'old' },
        uid: 'u',
      },
    ];
    const policies = { serviceAccountName: 'deployer', deletionPolicy: 'Delete' as const };
    expectStored('planHash', planHash({ candidateHash: HASH, policies, runningHash: HASH, effects }));
  });

  test('the content of a revision, which is read as it was written', async () => {
    const content = await decodeContent(stored['revision']);
    expect(stringifyJson(content.nodes.map(({ id }) => id))).toBe('["app","late"]');
    expect(stringifyJson(objectOf(content.nodes[0]?.['object']))).toContain('12345678901234567890');
    expect(await decodeContent(await encodeContent(content))).toEqual(content);
  });
});
