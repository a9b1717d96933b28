import { LRUCache } from 'lru-cache';
import type { KubeObject } from '../api/index.ts';
import { isJsonObject, type JsonObject } from '../json/index.ts';
import {
  type CheckedExpression,
  checkExpression,
  type Evaluation,
  type Program,
  programOf,
  type WantedType,
} from './expression.ts';
import { createLanguage } from './language.ts';
import { type CelValue, toMap } from './value.ts';

/** Expressions that are kept compiled. */
const MAX_PROGRAMS = 2000;

/** Keeps compiled expressions for a process. */
export class ExpressionEvaluator {
  readonly #language = createLanguage();
  readonly #programs = new LRUCache<string, Program>({ max: MAX_PROGRAMS });
  readonly #checks = new LRUCache<string, CheckedExpression>({ max: MAX_PROGRAMS });

  /** As {@link checkExpression}. */
  check(text: string, wanted: WantedType): CheckedExpression {
    const key = `${wanted} ${text}`;
    const known = this.#checks.get(key);
    if (known !== undefined) return known;
    const checked = checkExpression(text, wanted, this.#language);
    this.#checks.set(key, checked);
    return checked;
  }

  /** Evaluates every expression over one object, in order. */
  evaluateAll(texts: readonly string[], object: KubeObject): readonly Evaluation[] {
    if (texts.length === 0) return [];
    let view: CelValue;
    try {
      view = viewOf(object);
    } catch (error) {
      const message = `the object can't be read: ${String(error)}`;
      return texts.map(() => ({ type: 'error', message }));
    }
    return texts.map((text) => this.#programOf(text)(view));
  }

  #programOf(text: string): Program {
    const known = this.#programs.get(text);
    if (known !== undefined) return known;
    const program = programOf(text, this.#language);
    this.#programs.set(text, program);
    return program;
  }
}

/** What the last `kubectl apply` sent is a copy of the object; of a Secret, with its data. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object as expressions see it: without bookkeeping of field managers, and of a Secret without what is secret. */
function viewOf(object: KubeObject): CelValue {
  const isSecret = object.kind === 'Secret' && object.apiVersion === 'v1';
  const view = new Map(
    toMap(object, (key) => key === 'metadata' || (isSecret && (key === 'data' || key === 'stringData'))),
  );
  view.set('metadata', metadataView(object.metadata));
  return view;
}

function metadataView(metadata: JsonObject): CelValue {
  const view = new Map(toMap(metadata, (key) => key === 'managedFields' || key === 'annotations'));
  const { annotations } = metadata;
  if (isJsonObject(annotations))
    view.set(
      'annotations',
      toMap(annotations, (key) => key === LAST_APPLIED),
    );
  return view;
}
