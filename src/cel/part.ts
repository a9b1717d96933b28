// The parts of a parsed expression, as far as they are looked at here. The library's own types leave out how a part is
// evaluated.

/** A node of the library's syntax tree. */
export interface Part {
  readonly op: string;
  /** A part, a list of them, a name, or, of a comprehension, an object that holds parts. */
  readonly args: unknown;
  /** Where it begins in the expression. */
  readonly pos: number;
  readonly meta: { readonly alternate?: unknown; readonly macro?: unknown };
  evaluate: (evaluator: unknown, self: unknown, context: unknown) => unknown;
}

export function isPart(value: unknown): value is Part {
  return (
    typeof value === 'object' &&
    value !== null &&
    'op' in value &&
    typeof value.op === 'string' &&
    'evaluate' in value &&
    typeof value.evaluate === 'function' &&
    'meta' in value &&
    typeof value.meta === 'object'
  );
}

/** A part and everything that evaluating it may come to, with what macros stand for; each once. */
export function partsBelow(root: Part): ReadonlySet<Part> {
  const found = new Set<Part>();
  const seen = new Set<unknown>();
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (isPart(value)) {
      found.add(value);
      open.push(value.args, value.meta.alternate, value.meta.macro);
    } else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
      open.push(...Object.values(value));
    }
  }
  return found;
}
