// The default policies look at the rendered objects alone, so no module can avoid them. A policy that can't be evaluated
// is itself reported: silence always means that all of them were asked.
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

  constructor(evaluator: CueEvaluator, tree: ModuleTree, deadlineMs: number) {
    this.#evaluator = evaluator;
    this.#tree = tree;
    this.#module = { id: tree.digest, files: Object.fromEntries(tree.files) };
    this.#deadlineMs = deadlineMs;
  }

  /** What the policies say against the subject; empty means that they were all asked and have nothing to say. */
  async check(subject: PolicySubject, signal: AbortSignal): Promise<readonly Violation[]> {
    const nodes = subject.nodes.map(({ id, object }) => ({ id, object }));
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
