import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect } from 'vitest';
import { isJsonArray, isJsonObject, type JsonObject } from '../src/json/index.ts';
import {
  cluster,
  conditionOf,
  configMap,
  inline,
  type Space,
  story,
  until,
  useOperator,
} from './support/index.ts';

useOperator({ flags: ['--identity-gone-grace', '2s'] });

interface NewKind {
  readonly group: string;
  readonly definition: JsonObject;
}

const installed: string[] = [];
afterAll(async () => {
  if (installed.length > 0)
    await cluster.kubectl(['delete', '--wait=false', '--ignore-not-found', ...installed]);
});

/** A kind Widget, in a group that no other story has. */
function newKind(): NewKind {
  const group = `g${randomUUID().slice(0, 8)}.example.com`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
  return { group, definition };
}

function specOf({ definition }: NewKind): JsonObject {
  const { spec } = definition;
  return isJsonObject(spec) ? spec : {};
}

function versionsOf(kind: NewKind): readonly JsonObject[] {
  const { versions } = specOf(kind);
  return isJsonArray(versions) ? versions.filter(isJsonObject) : [];
}

function widget(group: string): { readonly object: JsonObject } {
  return {
    object: { apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name: 'w' }, spec: { size: 3 } },
  };
}

async function install({ definition, group }: NewKind): Promise<void> {
  await cluster.kubectl(['create', '-f', '-'], JSON.stringify(definition));
  installed.push(`customresourcedefinition/widgets.${group}`);
}

const RBAC = 'rbac.authorization.k8s.io';
const EDIT = ['get', 'list', 'create', 'patch', 'delete'];

function rules(group: string, verbs: readonly string[]): JsonObject {
  return { rules: [{ apiGroups: [group], resources: ['widgets'], verbs }] };
}

function binding(role: string, name: string, namespace: string, account: string): JsonObject {
  return {
    roleRef: { apiGroup: RBAC, kind: role, name },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
  };
}

/** Lets the story's ServiceAccount edit the kind. */
async function allowEdit(space: Space, group: string, verbs: readonly string[] = EDIT): Promise<void> {
  const role = {
    apiVersion: `${RBAC}/v1`,
    kind: 'Role',
    metadata: { name: 'widgets' },
    ...rules(group, verbs),
  };
  await space.kubectl(['create', '-f', '-'], JSON.stringify(role));
  await space.create('RoleBinding', 'widgets', binding('Role', 'widgets', space.namespace, 'deployer'));
}

/** Lets the operator watch the kind. */
async function allowWatch(group: string): Promise<void> {
  const metadata = { name: group };
  const items = [
    { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata, ...rules(group, ['list', 'watch']) },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      ...binding('ClusterRole', group, 'pequod-system', 'pequod'),
    },
  ];
  await cluster.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  installed.push(`clusterrole/${group}`, `clusterrolebinding/${group}`);
}

describe.concurrent('kinds that come and go', () => {
  story(
    'a kind that is not served is named and holds up nothing else; it comes alive when it is installed',
    async ({ space }) => {
      const kind = newKind();
      const nodes = {
        w: widget(kind.group),
        apart: configMap('apart'),
        after: configMap('after', {}, { dependsOn: ['w'] }),
      };
      await space.transform('shop', inline(nodes));
      const waiting = await space.untilTransform(
        'shop',
        'names the kind',
        ({ status }) =>
          status?.blockedBy?.includes('Widget') === true && status.nodes?.['apart']?.phase === 'Ready',
      );
      expect(waiting.status?.blockedBy).toContain(`${kind.group}/v1 Widget`);
      expect(conditionOf(waiting, 'Ready')?.status).toBe('False');
      expect(await space.names('ConfigMap')).toEqual(['apart']);

      await allowEdit(space, kind.group);
      await allowWatch(kind.group);
      await install(kind);
      await space.untilReady('shop', 60_000);
      expect(await space.kubectl(['get', `widgets.${kind.group}`, 'w', '-o', 'jsonpath={.spec.size}'])).toBe(
        '3',
      );

      await cluster.kubectl(['delete', 'crd', `widgets.${kind.group}`]);
      await space.delete('Transform', 'shop');
      await space.untilGone('Transform', 'shop');
      expect(await space.names('ConfigMap')).toEqual([]);
    },
  );

  story(
    'a kind goes and comes back with another schema: what is wrong is named each time, and what fits comes up',
    async ({ space }) => {
      const kind = newKind();
      await allowEdit(space, kind.group);
      await allowWatch(kind.group);
      await install(kind);
      await space.transform('shop', inline({ w: widget(kind.group), apart: configMap('apart') }));
      await space.untilReady('shop', 60_000);

      const crd = `widgets.${kind.group}`;
      await cluster.kubectl(['delete', 'crd', crd]);
      const gone = await space.untilTransform(
        'shop',
        'names the kind',
        ({ status }) => status?.blockedBy?.includes(`${kind.group}/v1 Widget`) === true,
      );
      expect(gone.status?.nodes?.['apart']?.phase).toBe('Ready');

      const spec = { type: 'object', required: ['colour'], properties: { colour: { type: 'string' } } };
      const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };
      const [version] = versionsOf(kind);
      const stricter = { ...kind.definition, spec: { ...specOf(kind), versions: [{ ...version, schema }] } };
      await cluster.kubectl(['create', '-f', '-'], JSON.stringify(stricter));
      const refused = await space.untilFailing('shop', 'InvalidObject', 60_000);
      expect(refused.status?.blockedBy).toMatch(/^w: Widget .*(?:size|colour)/);

      const { object } = widget(kind.group);
      const fitting = { object: { ...object, spec: { colour: 'red' } } };
      await space.transform('shop', inline({ w: fitting, apart: configMap('apart') }));
      await space.untilReady('shop', 60_000);
    },
  );

  story(
    'a CRD that is not the Transform’s to make is refused, its objects are not made',
    async ({ space }) => {
      const kind = newKind();
      await space.transform('shop', inline({ crd: { object: kind.definition }, w: widget(kind.group) }));
      const refused = await space.untilFailing('shop', 'NotConfined');
      expect(conditionOf(refused, 'Ready')?.message).toContain('CustomResourceDefinition');
    },
  );

  story(
    'a kind that the operator may not watch is named and holds up nothing else, not even the end',
    async ({ space }) => {
      const kind = newKind();
      await install(kind);
      await allowEdit(space, kind.group);
      await space.transform('shop', inline({ w: widget(kind.group), apart: configMap('apart') }));
      const waiting = await space.untilTransform(
        'shop',
        'says what it may not do',
        ({ status }) =>
          status?.blockedBy?.includes('may not list or watch') === true &&
          status.nodes?.['apart']?.phase === 'Ready',
      );
      expect(waiting.status?.blockedBy).toContain('Widget');
      await space.delete('Transform', 'shop');
      await space.untilGone('Transform', 'shop');
      expect(await space.names('ConfigMap')).toEqual([]);
    },
  );

  story('what was refused for its schema is applied at once when the schema allows it', async ({ space }) => {
    const kind = newKind();
    const { definition, group } = kind;
    const schemaOf = (type: string): JsonObject => ({
      openAPIV3Schema: {
        type: 'object',
        properties: { spec: { type: 'object', properties: { size: { type } } } },
      },
    });
    const withSchema = (type: string): JsonObject => ({
      ...definition,
      spec: {
        ...specOf(kind),
        versions: versionsOf(kind).map((each) => ({ ...each, schema: schemaOf(type) })),
      },
    });
    await install({ group, definition: withSchema('string') });
    await allowWatch(group);
    await allowEdit(space, group);
    await space.transform('shop', inline({ w: widget(group) }));
    await space.untilFailing('shop', 'InvalidObject');
    // By then the next try by time alone is half a minute away.
    const refused = await until(
      'many tries',
      () => space.graphStatus('shop'),
      ({ nodeStatus }) => {
        const { attempts = 0, reason } = nodeStatus?.['w'] ?? {};
        return reason === 'InvalidObject' && attempts >= 6;
      },
    );
    const patch = { spec: { versions: versionsOf({ group, definition: withSchema('integer') }) } };
    const name = `customresourcedefinition/widgets.${group}`;
    await cluster.kubectl(['patch', name, '--type=merge', '-p', JSON.stringify(patch)]);
    await space.untilReady('shop');
    const readyAt = (await space.graphStatus('shop')).nodeStatus?.['w']?.readyAt ?? '';
    const nextAttemptAt = Date.parse(refused.nodeStatus?.['w']?.nextAttemptAt ?? '');
    // Times of statuses are whole seconds.
    expect(Date.parse(readyAt)).toBeLessThan(nextAttemptAt - 2_000);
  });

  story(
    'a kind that nobody may list holds up its graph, since it may hold objects; it is named, and left at the end',
    async ({ space }) => {
      const kind = newKind();
      await install(kind);
      await allowEdit(space, kind.group, ['get', 'create', 'patch', 'delete']);
      await space.transform('shop', inline({ w: widget(kind.group), apart: configMap('apart') }));
      const waiting = await space.untilTransform(
        'shop',
        'says what it may not do',
        ({ status }) => status?.blockedBy?.includes('may not list or watch') === true,
      );
      expect(waiting.status?.blockedBy).toContain('Widget');
      await space.delete('Transform', 'shop');
      await space.untilGone('Transform', 'shop');
    },
  );
});

describe.concurrent('rights that are taken away for good', () => {
  story('do not hold up the end: what may not be removed is left', async ({ space }) => {
    await space.transform(
      'shop',
      inline({ base: configMap('base'), top: configMap('top', {}, { dependsOn: ['base'] }) }),
    );
    await space.untilReady('shop');
    await space.kubectl(['delete', 'rolebindings', '--all']);
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.names('ConfigMap')).toEqual(['base', 'top']);
  });
});
