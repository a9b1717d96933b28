// Fills the tables of docs/api.md from the schemas in src/api/crd. With --check it writes nothing and fails where the
// file differs.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { resourceGraphDefinition, transformDefinition } from '../src/api/crd/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../src/json/index.ts';

const FILE = join(import.meta.dirname, '..', 'docs', 'api.md');

interface Row {
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

function member(value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (parent, name) => (isJsonObject(parent) ? parent[name] : undefined),
    value,
  );
}

/** The schema of the first version. */
function schemaOf(definition: JsonObject): JsonValue | undefined {
  const versions = member(definition, 'spec', 'versions');
  return isJsonArray(versions) ? member(versions[0], 'schema', 'openAPIV3Schema') : undefined;
}

function rowsOf(schema: JsonValue | undefined, path: string): readonly Row[] {
  const properties = member(schema, 'properties');
  const required = member(schema, 'required');
  const isRequired = (name: string): boolean => isJsonArray(required) && required.includes(name);
  if (!isJsonObject(properties)) return [];
  return Object.entries(properties).flatMap(([name, field]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const type = typeOf(field);
    const text = [String(member(field, 'description') ?? ''), ...limitsOf(field)].filter(Boolean).join(' ');
    return [{ path: at, type: isRequired(name) ? `${type}, required` : type, text }, ...innerRows(field, at)];
  });
}

function innerRows(field: JsonValue | undefined, path: string): readonly Row[] {
  if (member(field, 'x-kubernetes-preserve-unknown-fields') === true) return [];
  const items = member(field, 'items');
  if (items !== undefined) return rowsOf(items, `${path}[]`);
  const values = member(field, 'additionalProperties');
  return values === undefined ? rowsOf(field, path) : rowsOf(values, `${path}.<key>`);
}

function typeOf(field: JsonValue | undefined): string {
  const choices = member(field, 'enum');
  if (isJsonArray(choices)) return choices.map((choice) => `\`${String(choice)}\``).join(' \\| ');
  if (member(field, 'items') !== undefined) return 'list';
  if (member(field, 'additionalProperties') !== undefined) return 'map';
  const isFree = member(field, 'x-kubernetes-preserve-unknown-fields') === true;
  return isFree ? 'any object' : String(member(field, 'type') ?? 'any');
}

function limitsOf(field: JsonValue | undefined): readonly string[] {
  const rules = member(field, 'x-kubernetes-validations');
  const messages = isJsonArray(rules) ? rules.map((rule) => String(member(rule, 'message'))) : [];
  return messages.map(
    (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`,
  );
}

/** One table for spec, one for status. */
function tablesOf(definition: JsonObject): string {
  const schema = schemaOf(definition);
  return ['spec', 'status']
    .map((part) => {
      const rows = rowsOf(member(schema, 'properties', part), part);
      const lines = rows.map(
        ({ path, type, text }) => `| \`${path}\` | ${type} | ${text.replaceAll('|', '\\|')} |`,
      );
      return [`| ${part} | type | |`, '|---|---|---|', ...lines].join('\n');
    })
    .join('\n\n');
}

function fill(text: string, kind: string, content: string): string {
  const section = new RegExp(`(<!-- generated: ${kind} -->\n)[^]*?(<!-- end -->)`);
  if (!section.test(text)) throw new Error(`docs/api.md has no section for ${kind}`);
  return text.replace(section, (_all, start: string, end: string) => `${start}\n${content}\n\n${end}`);
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const found = await readFile(FILE, 'utf8');
const expected = [transformDefinition(), resourceGraphDefinition()].reduce(
  (text, definition) => fill(text, String(member(definition, 'spec', 'names', 'kind')), tablesOf(definition)),
  found,
);
if (!values.check) {
  await writeFile(FILE, expected);
} else if (found !== expected) {
  process.stderr.write('docs/api.md differs from the schemas: run make manifests\n');
  process.exitCode = 1;
}
