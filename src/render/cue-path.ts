// CUE paths as text: context.labels."app.kubernetes.io/name", input.tags[0].
const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;
const STEP = /("(?:[^"\\]|\\.)*")|\[(\d+)\]|([^."[\]]+)/g;

/** The labels as one path: those that are no identifiers are quoted. */
export function formatCuePath(labels: readonly string[]): string {
  return labels.map((label) => (IDENTIFIER.test(label) ? label : JSON.stringify(label))).join('.');
}

/** The labels and indices of a path, unquoted. */
export function parseCuePath(path: string): readonly string[] {
  const labels: string[] = [];
  for (const [, quoted, index, plain] of path.matchAll(STEP)) {
    labels.push(quoted === undefined ? (index ?? plain ?? '') : unquote(quoted));
  }
  return labels;
}

/** CUE's quoted labels are JSON strings but for a few escapes, which stand for themselves here. */
function unquote(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1);
  }
}
