// What can be done to the nodes of a module, one node at a time.
import { isJsonArray, type JsonObject, type JsonValue } from '../../../src/json/index.ts';
import type { Random } from '../../simulation/random.ts';
import { configMapObject, moduleText, type Nodes } from '../bases.ts';
import { membersAt, valueAt, withValue } from '../json-path.ts';
import { pickFrom } from './change.ts';

/** New nodes, or the text of a module that can't be one; told in a few words. */
export interface Edit {
  readonly told: string;
  readonly nodes?: Nodes;
  readonly text?: string;
}

export type Editor = (nodes: Nodes, random: Random) => Edit;

function asNodes(value: JsonObject): Nodes {
  return Object.fromEntries(Object.keys(value).map((id) => [id, membersAt(value, [id])]));
}

function on(nodes: Nodes, path: readonly (number | string)[], value: JsonValue | undefined): Nodes {
  return asNodes(withValue(nodes, path, value));
}

function idOf(nodes: Nodes, random: Random): string {
  return pickFrom(random, Object.keys(nodes));
}

function dependenciesOf(nodes: Nodes, id: string): readonly JsonValue[] {
  const found = valueAt(nodes, [id, 'dependsOn']);
  return isJsonArray(found) ? found : [];
}

export const set =
  (told: string, path: readonly (number | string)[], ...values: readonly (JsonValue | undefined)[]): Editor =>
  (nodes, random) => {
    const id = idOf(nodes, random);
    const { value } = pickFrom(
      random,
      values.map((each) => ({ value: each })),
    );
    return {
      told: `${id}: ${told} ${JSON.stringify(value)}`.slice(0, 160),
      nodes: on(nodes, [id, ...path], value),
    };
  };

export const text =
  (told: string, make: (module: string) => string): Editor =>
  (nodes) => ({ told, text: make(moduleText(nodes)) });

export const remove: Editor = (nodes, random) => {
  const id = idOf(nodes, random);
  const left = on(nodes, [id], undefined);
  const isReleased = random.chance(0.7);
  const free = Object.keys(left).reduce(
    (all, each) =>
      dependenciesOf(all, each).includes(id)
        ? on(
            all,
            [each, 'dependsOn'],
            dependenciesOf(all, each).filter((other) => other !== id),
          )
        : all,
    left,
  );
  return {
    told: `without ${id}${isReleased ? '' : ', which others still depend on'}`,
    nodes: isReleased ? free : left,
  };
};

export const rename: Editor = (nodes, random) => {
  const id = idOf(nodes, random);
  const name = pickFrom(random, ['renamed', 'x'.repeat(63), 'Bad_Name', '', 'a.b', 'x'.repeat(254)]);
  return {
    told: `object of ${id} is named ${name.slice(0, 20)}`,
    nodes: on(nodes, [id, 'object', 'metadata', 'name'], name),
  };
};

export const renameNode: Editor = (nodes, random) => {
  const id = idOf(nodes, random);
  const to = pickFrom(random, ['moved', 'Bad_Id', 'x'.repeat(64)]);
  const moved = Object.fromEntries(Object.entries(nodes).map(([key, node]) => [key === id ? to : key, node]));
  const follows = Object.keys(moved).reduce<Nodes>(
    (all, each) =>
      on(
        all,
        [each, 'dependsOn'],
        dependenciesOf(all, each).map((other) => (other === id ? to : other)),
      ),
    asNodes(moved),
  );
  return { told: `node ${id} is called ${to.slice(0, 10)}`, nodes: follows };
};

export const add: Editor = (nodes, random) => {
  const count = pickFrom(random, [1, 1, 3, 20]);
  const added = Array.from({ length: count }, (_, at): [string, JsonObject] => [
    `added-${at}`,
    {
      object: configMapObject(`added-${at}`, { k: 'v' }),
      dependsOn: at === 0 ? [idOf(nodes, random)] : [`added-${at - 1}`],
    },
  ]);
  return { told: `with ${count} more`, nodes: { ...nodes, ...Object.fromEntries(added) } };
};

export const addObject =
  (told: string, object: JsonObject): Editor =>
  (nodes) => ({ told: `with ${told}`, nodes: { ...nodes, added: { object } } });

export const depend: Editor = (nodes, random) => {
  const [id, other] = [idOf(nodes, random), idOf(nodes, random)];
  return {
    told: `${id} depends on ${other}`,
    nodes: on(nodes, [id, 'dependsOn'], [...dependenciesOf(nodes, id), other]),
  };
};

export const cycle: Editor = (nodes) => {
  const ids = Object.keys(nodes);
  return {
    told: 'a circle of all',
    nodes: ids.reduce((all, id, at) => on(all, [id, 'dependsOn'], [ids[(at + 1) % ids.length] ?? id]), nodes),
  };
};

export const duplicate: Editor = (nodes, random) => {
  const id = idOf(nodes, random);
  return { told: `${id} twice`, nodes: { ...nodes, copy: nodes[id] ?? {} } };
};
