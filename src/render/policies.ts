// The default policies look at the rendered objects alone, so no module can avoid them. A policy that can't be evaluated
// is itself reported: silence always means that all of them were asked. They say which kinds they look at, and get no
// others: taking in a graph of many objects takes CUE longer than judging it.
import type { CueModule } from 'cuelang-wasm';
import type { ResolvedNode, Severity, Violation } from '../api/index.ts';
import {
  canonicalJson,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
} from '../json/index.ts';
import type { ModuleTree } from '../source/index.ts';
import type { RenderContext } from './context.ts';
import { toViolations } from './diagnostics.ts';
import type { CueEvaluator } from './evaluator.ts';

const PACKAGE = 'policy';
const SEVERITIES: ReadonlySet<JsonValue | undefined> = new Set(['Error', 'Warning', 'Info']);

/** What the policies are asked about. */
export interface PolicySubject {
  readonly input: JsonObject;
  readonly context: RenderContext;
  /** Nodes whose objects are known. */
  readonly nodes: readonly ResolvedNode[];
}

/** Evaluates the policies of one tree. */
export class PolicyChecker {
  readonly #evaluator: CueEvaluator;
  readonly #tree: ModuleTree;
  readonly #module: CueModule;
  readonly #deadlineMs: number;
  /** The kinds that the policies look at, once they are known. */
  #kinds: ReadonlySet<string> | undefined;

  constructor(evaluator: CueEvaluator, tree: ModuleTree, deadlineMs: number) {
    this.#evaluator = evaluator;
    this.#tree = tree;
    this.#module = { id: tree.digest, files: Object.fromEntries(tree.files) };
    this.#deadlineMs = deadlineMs;
  }

  /** What the policies say against the subject; empty means that they were all asked and have nothing to say. */
  async check(subject: PolicySubject, signal: AbortSignal): Promise<readonly Violation[]> {
    const kinds = await this.#kindsOf(signal);
    const judged = subject.nodes.filter(({ object }) => kinds?.has(object.kind) ?? true);
    const nodes = judged.map(({ id, object }) => ({ id, object }));
    const outcome = await this.#evaluator.evaluate(
      {
        module: this.#module,
        package: PACKAGE,
        fills: [
          { path: 'input', json: canonicalJson(subject.input) },
          { path: 'context', json: canonicalJson(subject.context) },
          { path: 'nodes', json: canonicalJson(nodes) },
        ],
        queries: [{ type: 'export', path: 'violations' }],
      },
      { deadlineMs: this.#deadlineMs, signal },
    );
    if (!outcome.ok) return notEvaluated(toViolations(outcome.errors, this.#tree));
    const [answer] = outcome.results;
    if (answer?.json === undefined) return notEvaluated(toViolations(answer?.errors ?? [], this.#tree));
    const found = parseJson(answer.json);
    if (!isJsonArray(found) || !found.every(isViolation)) {
      return notEvaluated([
        { path: 'violations', message: 'is not a list of violations', severity: 'Error' },
      ]);
    }
    return found;
  }

  /** Undefined where the policies don't say it: then they look at all. */
  async #kindsOf(signal: AbortSignal): Promise<ReadonlySet<string> | undefined> {
    if (this.#kinds !== undefined) return this.#kinds;
    const outcome = await this.#evaluator.evaluate(
      { module: this.#module, package: PACKAGE, queries: [{ type: 'export', path: 'kinds' }] },
      { deadlineMs: this.#deadlineMs, signal },
    );
    const json = outcome.ok ? outcome.results[0]?.json : undefined;
    const kinds = json === undefined ? undefined : parseJson(json);
    if (!isJsonArray(kinds) || !kinds.every((kind) => typeof kind === 'string')) return undefined;
    this.#kinds = new Set(kinds);
    return this.#kinds;
  }
}

function notEvaluated(causes: readonly Violation[]): readonly Violation[] {
  const reason = causes
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    .join('; ');
  const message = `the default policies could not be evaluated: ${reason === '' ? 'they gave no answer' : reason}`;
  return [{ path: '', message, severity: 'Warning', policy: 'default' }];
}

/** Whether a value has the members of a violation. */
export function isViolation(value: JsonValue): value is Violation & { readonly severity: Severity } {
  return (
    isJsonObject(value) &&
    typeof value['path'] === 'string' &&
    typeof value['message'] === 'string' &&
    SEVERITIES.has(value['severity'])
  );
}
