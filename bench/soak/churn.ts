// What users and others do all day: Transforms come, change and go, their objects are edited and deleted. Beside it stands
// what has to come of it, so that the cluster can be held against that at any time.
import { API_VERSION, TRANSFORM_KIND } from '../../src/api/index.ts';
import type { JsonObject } from '../../src/json/index.ts';
import { CONFIG_MAPS, isNotFound, type OperatorClient, TRANSFORMS } from '../../src/kube/index.ts';
import type { Random } from '../../test/simulation/random.ts';
import { TENANT } from '../support/namespaces.ts';

/** What is wanted of one Transform. */
interface Wanted {
  readonly namespace: string;
  readonly name: string;
  /** Undefined while there should be none. */
  value: string | undefined;
}

export interface ChurnOptions {
  readonly admin: OperatorClient;
  readonly random: Random;
  readonly namespaces: readonly string[];
  readonly transforms: number;
}

/** Objects of each Transform, by the end of their names. */
export const PARTS: readonly string[] = ['a', 'b', 'c'];
/** Where the value is in a ConfigMap. */
export const VALUE_KEY = 'value';

const MODULE = `package soak

#Input: value: string
input: #Input
graph: nodes: {
	for part in ["a", "b"] {
		"\\(part)": object: {
			apiVersion: "v1"
			kind:       "ConfigMap"
			metadata: name: "\\(context.name)-\\(part)"
			data: value: input.value
		}
	}
	c: {
		dependsOn: ["a", "b"]
		object: {
			apiVersion: "v1"
			kind:       "ConfigMap"
			metadata: name: "\\(context.name)-c"
			data: value: input.value
		}
	}
}
`;

export class Churn {
  readonly #options: ChurnOptions;
  readonly #wanted: readonly Wanted[];
  #changes = 0;

  constructor(options: ChurnOptions) {
    const { namespaces, transforms } = options;
    this.#options = options;
    this.#wanted = Array.from({ length: transforms }, (_, at) => ({
      namespace: namespaces[at % namespaces.length] ?? '',
      name: `t${at}`,
      value: undefined,
    }));
  }

  /** Changes so far. */
  get changes(): number {
    return this.#changes;
  }

  /** `namespace/name` of each ConfigMap that there has to be, with its value. */
  expected(): ReadonlyMap<string, string> {
    const objects = new Map<string, string>();
    for (const { namespace, name, value } of this.#wanted) {
      if (value === undefined) continue;
      for (const part of PARTS) objects.set(`${namespace}/${name}-${part}`, value);
    }
    return objects;
  }

  /** Makes every Transform. */
  async begin(signal: AbortSignal): Promise<void> {
    for (const wanted of this.#wanted) await this.#write(wanted, signal);
  }

  /** One change to one Transform, or to one of its objects. */
  async change(signal: AbortSignal): Promise<void> {
    const { random } = this.#options;
    const wanted = this.#wanted[random.between(0, this.#wanted.length - 1)];
    if (wanted === undefined) return;
    this.#changes += 1;
    const dice = random.between(1, 10);
    if (wanted.value === undefined || dice <= 5) await this.#write(wanted, signal);
    else if (dice === 6) await this.#remove(wanted, signal);
    else await this.#hurt(wanted, dice <= 8, signal);
  }

  async #write(wanted: Wanted, signal: AbortSignal): Promise<void> {
    const { namespace, name } = wanted;
    const value = `v${this.#changes}`;
    const spec = {
      serviceAccountName: TENANT,
      cueRef: { type: 'inline', ref: MODULE },
      input: { value },
    };
    const object = { apiVersion: API_VERSION, kind: TRANSFORM_KIND, metadata: { namespace, name }, spec };
    const { object: written } = await this.#options.admin.apply(
      TRANSFORMS,
      object,
      { fieldManager: 'user' },
      signal,
    );
    // What is written to a Transform that is on its way out goes with it.
    wanted.value = written.metadata.deletionTimestamp === undefined ? value : undefined;
  }

  async #remove(wanted: Wanted, signal: AbortSignal): Promise<void> {
    const { namespace, name } = wanted;
    wanted.value = undefined;
    const options = { propagationPolicy: 'Background' } as const;
    await this.#unlessGone(this.#options.admin.delete(TRANSFORMS, { namespace, name }, options, signal));
  }

  async #hurt({ namespace, name }: Wanted, isEdit: boolean, signal: AbortSignal): Promise<void> {
    const { admin, random } = this.#options;
    const part = PARTS[random.between(0, PARTS.length - 1)] ?? '';
    const key = { namespace, name: `${name}-${part}` };
    const edit: JsonObject = { data: { [VALUE_KEY]: 'of somebody else' } };
    const done = isEdit
      ? admin.mergePatch(CONFIG_MAPS, key, edit, { fieldManager: 'intruder' }, signal)
      : admin.delete(CONFIG_MAPS, key, { propagationPolicy: 'Background' }, signal);
    await this.#unlessGone(done);
  }

  /** What is to be hurt may not be there yet, or not any more. */
  async #unlessGone(call: Promise<unknown>): Promise<void> {
    try {
      await call;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
