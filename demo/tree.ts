// A Transform and its nodes as lines of text, from what the cluster says. Pure, so that it can be tested.

/** What the demo reads of `kubectl get -o json`; everything else is left alone. */
export interface TransformView {
  readonly name: string;
  readonly isReady: boolean;
  readonly isBeingDeleted: boolean;
  readonly message: string;
  readonly nodes: readonly NodeView[];
}

export interface NodeView {
  readonly id: string;
  readonly phase: string;
  /** `Deployment/web` */
  readonly object: string;
  readonly message: string;
}

/** Reads the list of Transforms and ResourceGraphs that `kubectl get transforms,resourcegraphs -o json` prints. */
export function readViews(json: string): readonly TransformView[] {
  const items = list(get(JSON.parse(json), 'items'));
  const graphs = new Map<string, unknown>();
  for (const item of items) {
    if (get(item, 'kind') === 'ResourceGraph') graphs.set(text(get(item, 'metadata', 'name')), item);
  }
  return items
    .filter((item) => get(item, 'kind') === 'Transform')
    .map((item) => viewOf(item, graphs.get(text(get(item, 'metadata', 'name')))))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The tree, a line an entry; `paint` colours a phase. */
export function treeLines(
  views: readonly TransformView[],
  paint: (phase: string, text: string) => string = (_phase, text) => text,
): readonly string[] {
  const width = Math.max(0, ...views.flatMap(({ nodes }) => nodes.map(({ id }) => id.length)));
  const objectWidth = Math.max(0, ...views.flatMap(({ nodes }) => nodes.map(({ object }) => object.length)));
  return views.flatMap((view) => [
    headLine(view, paint),
    ...view.nodes.map(({ id, phase, object, message }, index) => {
      const branch = index === view.nodes.length - 1 ? '└─' : '├─';
      const state = paint(phase, phase.padEnd(8));
      return `  ${branch} ${state} ${id.padEnd(width)}  ${object.padEnd(objectWidth)}  ${message}`.trimEnd();
    }),
  ]);
}

/** The same, each line by itself, for a log that shows only what changed. */
export function flatLines(views: readonly TransformView[]): readonly string[] {
  return views.flatMap((view) => [
    headLine(view, (_phase, text) => text),
    ...view.nodes.map(({ id, phase, object, message }) =>
      `  ${view.name}: ${phase.padEnd(8)} ${id} (${object})  ${message}`.trimEnd(),
    ),
  ]);
}

function headLine(view: TransformView, paint: (phase: string, text: string) => string): string {
  const state = view.isBeingDeleted ? 'Deleting' : view.isReady ? 'Ready' : 'Pending';
  const message = view.isReady && !view.isBeingDeleted ? '' : view.message;
  return `Transform ${view.name}  ${paint(state, state)}  ${message}`.trimEnd();
}

function viewOf(transform: unknown, graph: unknown): TransformView {
  const conditions = list(get(transform, 'status', 'conditions'));
  const ready = conditions.find((condition) => get(condition, 'type') === 'Ready');
  const isCurrent =
    get(transform, 'status', 'observedGeneration') === get(transform, 'metadata', 'generation');
  return {
    name: text(get(transform, 'metadata', 'name')),
    isReady: isCurrent && get(ready, 'status') === 'True',
    isBeingDeleted: get(transform, 'metadata', 'deletionTimestamp') !== undefined,
    message: text(get(transform, 'status', 'blockedBy')) || text(get(ready, 'message')),
    nodes: list(get(graph, 'spec', 'nodes')).map((node) => nodeView(node, graph)),
  };
}

function nodeView(node: unknown, graph: unknown): NodeView {
  const id = text(get(node, 'id'));
  const status = get(graph, 'status', 'nodeStatus', id);
  const phase = text(get(status, 'phase')) || 'Pending';
  return {
    id,
    phase: get(graph, 'metadata', 'deletionTimestamp') === undefined ? phase : deletionPhase(id, graph),
    object: `${text(get(node, 'object', 'kind'))}/${text(get(node, 'object', 'metadata', 'name'))}`,
    message:
      text(get(status, 'lastError')) || text(get(status, 'readyDetails')) || text(get(status, 'message')),
  };
}

/** While a graph goes, its inventory says what is still there. */
function deletionPhase(id: string, graph: unknown): string {
  const items = list(get(graph, 'status', 'inventory', 'items'));
  return items.some((item) => get(item, 'nodeId') === id) ? 'Deleting' : 'Gone';
}

function get(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (parent, name) => (typeof parent === 'object' && parent !== null ? Reflect.get(parent, name) : undefined),
    value,
  );
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
