// Changes of the input, to what the module's #Input takes and to what it has to refuse.
import type { JsonObject, JsonValue } from '../../../src/json/index.ts';
import type { InputField } from '../bases.ts';
import { withValue } from '../json-path.ts';
import { type Change, clipped, pickFrom, type Scene } from './change.ts';

export function inputChange({ base, random }: Scene): Change {
  const fields = base.inputs ?? [{ path: ['surplus'], values: [1, 'text'] }];
  const set = (spec: JsonObject): { readonly spec: JsonObject; readonly told: string } => {
    const field: InputField = pickFrom(random, fields);
    const value: JsonValue | undefined = random.chance(0.15) ? undefined : pickFrom(random, field.values);
    const text = value === undefined ? '(absent)' : clipped(JSON.stringify(value));
    return {
      spec: withValue(spec, ['input', ...field.path], value),
      told: `${field.path.join('.')} = ${text}`,
    };
  };
  const first = set(base.spec);
  if (random.chance(0.7)) return { label: `input: ${first.told}`, spec: first.spec, answer: 'accepted' };
  const second = set(first.spec);
  return { label: `input: ${first.told}, ${second.told}`, spec: second.spec, answer: 'accepted' };
}
