// Writes statuses: only what changed, only over the version that was read, and mere progress at most once a second.
import type { KubeObject, ResourceGraph, ResourceGraphStatus } from '../../api/index.ts';
import { canonicalJson, isJsonArray, isJsonObject, type JsonValue } from '../../json/index.ts';
import {
  type Informer,
  isConflict,
  isNotFound,
  type OperatorClient,
  RESOURCE_GRAPHS,
} from '../../kube/index.ts';
import type { GraphSession } from './session.ts';
import { fitStatus } from './status-size.ts';

/** Shortest time between two writes that only tell of progress. */
const PROGRESS_INTERVAL_MS = 1_000;

/**
 * - `settled`: the cluster has this status. - `deferred`: it is kept and due after `dueInMs`.
 * - `stale`: someone else wrote first; look again when their version arrives.
 */
export type WriteResult =
  | { readonly type: 'settled' }
  | { readonly type: 'deferred'; readonly dueInMs: number }
  | { readonly type: 'stale' };

export interface StatusWriterOptions {
  readonly operator: OperatorClient;
  readonly graphs: Informer<KubeObject>;
  readonly now: () => number;
}

export class StatusWriter {
  readonly #options: StatusWriterOptions;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /**
   * Brings `status` to the cluster. Whatever the result, the session has it from now on, but where it was outrun.
   * @param isProgress true where nothing is lost if it is written a little later
   * @throws TerminalError (`GRAPH_TOO_LARGE`) where it can't be stored: the one before stands
   */
  async write(
    graph: ResourceGraph,
    session: GraphSession,
    wanted: ResourceGraphStatus,
    isProgress: boolean,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { status, text } = fitStatus(wanted, graph.spec);
    session.pendingStatus = status;
    const { namespace, name, uid } = graph.metadata;
    const current = this.#options.graphs.get(namespace, name);
    if (current === undefined || current.metadata.uid !== uid) return { type: 'stale' };
    if (text === canonicalJson(current['status'])) {
      session.pendingStatus = undefined;
      return { type: 'settled' };
    }
    const dueInMs =
      (session.lastStatusWriteMs ?? Number.NEGATIVE_INFINITY) + PROGRESS_INTERVAL_MS - this.#options.now();
    // Further away than that, the clock has been set back since.
    const isSoon = dueInMs > 0 && dueInMs <= PROGRESS_INTERVAL_MS;
    if (isProgress && isSoon) return { type: 'deferred', dueInMs };
    const result = await this.#patch(current, '/status', status, signal);
    if (result.type === 'settled') {
      session.pendingStatus = undefined;
      session.lastStatusWriteMs = this.#options.now();
    } else session.outrun();
    return result;
  }

  /** True where the cluster does not have this status. */
  isNews(graph: ResourceGraph, status: ResourceGraphStatus): boolean {
    const current = this.#options.graphs.get(graph.metadata.namespace, graph.metadata.name);
    return fitStatus(status, graph.spec).text !== canonicalJson(current?.['status']);
  }

  /** Sets the conditions of a graph that can't be read; the rest of its status is left as it is, whatever it is. */
  async writeProblem(
    stored: KubeObject,
    problem: ResourceGraphStatus,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const status = stored['status'];
    const conditions = isJsonObject(status) ? status['conditions'] : undefined;
    if (describeConditions(conditions) === describeConditions(problem.conditions)) return { type: 'settled' };
    return isJsonObject(status)
      ? await this.#patch(stored, '/status/conditions', [...(problem.conditions ?? [])], signal)
      : await this.#patch(stored, '/status', problem, signal);
  }

  async #patch(
    current: KubeObject,
    path: string,
    value: JsonValue,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { namespace, name, resourceVersion } = current.metadata;
    try {
      const written = await this.#options.operator.jsonPatch(
        RESOURCE_GRAPHS,
        { namespace, name },
        [
          { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion ?? '' },
          { op: 'add', path, value },
        ],
        { subresource: 'status' },
        signal,
      );
      this.#options.graphs.observeOwnWrite(written);
      return { type: 'settled' };
    } catch (error) {
      // The next pass starts from their version and what the session has; a graph that is gone needs none.
      if (isConflict(error) || isNotFound(error)) return { type: 'stale' };
      throw error;
    }
  }
}

/** What conditions say, without the times. */
function describeConditions(conditions: JsonValue | undefined): string {
  const list = isJsonArray(conditions) ? conditions.filter(isJsonObject) : [];
  return canonicalJson(list.map(({ type, status, reason, message }) => ({ type, status, reason, message })));
}
