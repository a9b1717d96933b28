// The questions about a module that refers to live values: one evaluation as for any other, one more for what is known
// of nodes whose objects are not, and one without any live value where the text alone does not say which nodes read
// them.
import type { CueEvaluation, CueOutcome, CueQuery } from 'cuelang-wasm';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue, parseJson } from '../json/index.ts';
import type { RenderQuestion } from './contract.ts';
import {
  detailsEvaluation,
  type LiveAnswers,
  liveAnswers,
  liveEvaluation,
  NODE_DETAILS,
} from './live-evaluation.ts';
import { type LiveGraph, liveGraph } from './live-graph.ts';
import {
  isUnsure,
  type LiveNode,
  type NodeDetails,
  openLabels,
  openWaits,
  readLiveNodes,
  staleValues,
} from './live-nodes.ts';
import { type ExportTable, isNothingObserved, type ObservedValues } from './observed.ts';

/** Evaluates, and throws what is wrong with a module that can't be. */
export type Ask = <const Q extends readonly CueQuery[]>(
  evaluation: CueEvaluation<Q>,
) => Promise<Extract<CueOutcome<Q>, { readonly ok: true }>>;

/** Evaluates a module that refers to live values. @param expressions what the values were computed by, where known */
export async function renderLive(
  ask: Ask,
  question: RenderQuestion,
  observed: ObservedValues,
  expressions: ExportTable,
): Promise<LiveGraph> {
  let known = observed;
  let { answers, nodes } = await look(ask, question, known);
  const stale = staleValues(nodes, openWaits(answers, known).paths.length > 0, known, expressions);
  if (stale.length > 0) {
    known = without(known, stale);
    ({ answers, nodes } = await look(ask, question, known));
  }
  const isSure = isNothingObserved(known) || !isUnsure(answers);
  const baseline = isSure ? answers : (await look(ask, question, {})).answers;
  return liveGraph({ module: question.module, answers, nodes, observed: known, baseline });
}

async function look(
  ask: Ask,
  question: RenderQuestion,
  observed: ObservedValues,
): Promise<{ readonly answers: LiveAnswers; readonly nodes: readonly LiveNode[] }> {
  const filled = { ...question, observedJson: canonicalJson(observed) };
  const { results } = await ask(liveEvaluation(filled));
  const answers = liveAnswers(results);
  const labels = openLabels(answers);
  if (labels.length === 0) return { answers, nodes: readLiveNodes(answers, new Map()) };
  const details = await ask(detailsEvaluation(filled, labels, answers.isList));
  const found = details.results.map((result, at) => {
    if (result?.json !== undefined) return parseJson(result.json);
    // A node without exports has none, unlike one whose exports are not known yet.
    const isAbsent = result?.exists === false && result.errors.length === 0;
    return isAbsent && NODE_DETAILS[at % NODE_DETAILS.length] === 'exports' ? {} : undefined;
  });
  return { answers, nodes: readLiveNodes(answers, detailsOf(labels, found)) };
}

function detailsOf(labels: readonly string[], found: readonly (JsonValue | undefined)[]): NodeDetails {
  return new Map(
    labels.map((label, at) => {
      const values = NODE_DETAILS.map(
        (field, offset) => [field, found[at * NODE_DETAILS.length + offset]] as const,
      );
      const known: JsonObject = Object.fromEntries(values.filter(([, value]) => value !== undefined));
      return [label, known];
    }),
  );
}

function without(
  observed: ObservedValues,
  stale: readonly (readonly [id: string, name: string])[],
): ObservedValues {
  const isStale = (id: string, name: string): boolean => stale.some(([a, b]) => a === id && b === name);
  return Object.fromEntries(
    Object.entries(observed).map(([id, values]) => [
      id,
      Object.fromEntries(
        Object.entries(isJsonObject(values) ? values : {}).filter(([name]) => !isStale(id, name)),
      ),
    ]),
  );
}
