// Phase "input": the values that `inputFrom` names, one laid over the other in order, and `spec.input` over all of them.
// ConfigMaps are read as the Transform's ServiceAccount, in its own namespace; those with the label are watched, others
// are read again by the interval. A value that is missing or is no YAML stops the render, never what runs.
import type { KubeObject, Transform, Violation } from '../../api/index.ts';
import { PequodError } from '../../errors.ts';
import { isJsonObject } from '../../json/index.ts';
import { wholeInput } from '../../source/index.ts';
import type { TransformDependencies } from './dependencies.ts';
import { type Failure, isPassing } from './failure.ts';
import type { InputMemory, TransformMemory } from './memory.ts';
import { reconcileToken, watchedConfigMap } from './source.ts';
import { nextLook, nextTry } from './source-schedule.ts';
import type { TenantReads } from './tenant-reads.ts';

type InputDependencies = Pick<TransformDependencies, 'modules' | 'now' | 'random'> & {
  readonly reads: TenantReads;
};

/** The whole input, or why there is none. @throws what passes by itself, and the signal's reason */
export async function resolveInput(
  deps: InputDependencies,
  transform: Transform,
  memory: TransformMemory,
  signal: AbortSignal,
): Promise<InputMemory> {
  const { inputFrom = [], input = {} } = transform.spec;
  if (inputFrom.length === 0)
    return { question: '', answer: { ok: true, input }, nextAtMs: undefined, failures: 0 };
  const names = [...new Set(inputFrom.map(({ name }) => name))];
  const revisions = names.map((name) => watchedConfigMap(deps, transform, name));
  const { generation } = transform.metadata;
  const question = JSON.stringify([generation, reconcileToken(transform), revisions]);
  const known = memory.input;
  const isDue = known?.nextAtMs !== undefined && deps.now() >= known.nextAtMs;
  if (known?.question === question && !isDue) return known;
  try {
    const configMaps = await readConfigMaps(deps, transform, names, signal);
    const nextAtMs = revisions.includes(undefined) ? nextLook(deps, transform) : undefined;
    const whole = wholeInput(transform.spec, configMaps);
    memory.input = { question, answer: { ok: true, input: whole }, nextAtMs, failures: 0 };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PequodError) || isPassing(error)) throw error;
    const failures = (known?.question === question ? known.failures : 0) + 1;
    const nextAtMs = nextTry(deps, error, failures);
    memory.input = { question, answer: { ok: false, failure: failureOf(error) }, nextAtMs, failures };
  }
  return memory.input;
}

/** Names of the ConfigMaps that a Transform takes values from. */
export function inputConfigMaps(transform: KubeObject): readonly string[] {
  const spec = transform['spec'];
  const sources = isJsonObject(spec) ? spec['inputFrom'] : undefined;
  if (!Array.isArray(sources)) return [];
  return sources.flatMap((source) => {
    const name = isJsonObject(source) ? source['name'] : undefined;
    return typeof name === 'string' ? [name] : [];
  });
}

function failureOf(error: PequodError): Failure {
  const violation: Violation = { path: 'inputFrom', message: error.message, severity: 'Error' };
  return { step: 'Validated', error, violations: [violation] };
}

async function readConfigMaps(
  deps: InputDependencies,
  transform: Transform,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KubeObject>> {
  const { namespace = '' } = transform.metadata;
  const objects = await Promise.all(names.map((name) => deps.reads.readConfigMap(namespace, name, signal)));
  return new Map(objects.flatMap((object) => (object === undefined ? [] : [[object.metadata.name, object]])));
}
