import type { Violation } from '../api/index.ts';
import { INVALID_RETRY_MS, PequodError, type Retry } from '../errors.ts';

/**
 * Why a module and an input gave no graph.
 * - `INPUT_INVALID`: the input is not what `#Input` asks for, or is too large.
 * - `MODULE_INVALID`: the module does not compile: a syntax error, an unknown reference, an import that leads nowhere.
 * - `RENDER_CONFLICT`: values of the module contradict each other.
 * - `RENDER_INCOMPLETE`: a value is still open when all that is known has been filled in.
 * - `RENDER_CONTRACT`: the result is not what a module must yield: no graph, a node without an object, too many bytes.
 * - `RENDER_EMPTY`: no nodes, and the module does not say `allowEmpty`.
 * - `RENDER_OBSERVED`: a live value is read that can't come: of no node, of no export, of the node itself.
 * - `RENDER_REFUSED`: the module's own rules (`graph.violations`) refuse the input.
 * - `RENDER_LIMIT`: evaluation took too long or too much memory and was stopped.
 */
export type RenderErrorCode =
  | 'INPUT_INVALID'
  | 'MODULE_INVALID'
  | 'RENDER_CONFLICT'
  | 'RENDER_CONTRACT'
  | 'RENDER_EMPTY'
  | 'RENDER_INCOMPLETE'
  | 'RENDER_LIMIT'
  | 'RENDER_OBSERVED'
  | 'RENDER_REFUSED';

/** The condition that a failed render turns to False. */
export type RenderPhase = 'Rendered' | 'Validated';

const HANDLING: Readonly<
  Record<RenderErrorCode, { readonly phase: RenderPhase; readonly reason: string; readonly retry: Retry }>
> = {
  INPUT_INVALID: { phase: 'Validated', reason: 'InputInvalid', retry: 'never' },
  MODULE_INVALID: { phase: 'Validated', reason: 'ModuleInvalid', retry: 'never' },
  RENDER_CONFLICT: { phase: 'Rendered', reason: 'Conflict', retry: 'never' },
  RENDER_CONTRACT: { phase: 'Rendered', reason: 'ContractBroken', retry: 'never' },
  RENDER_EMPTY: { phase: 'Rendered', reason: 'EmptyRender', retry: 'never' },
  RENDER_INCOMPLETE: { phase: 'Rendered', reason: 'Incomplete', retry: 'never' },
  RENDER_LIMIT: { phase: 'Rendered', reason: 'LimitExceeded', retry: { afterMs: INVALID_RETRY_MS } },
  RENDER_OBSERVED: { phase: 'Rendered', reason: 'ObservedInvalid', retry: 'never' },
  RENDER_REFUSED: { phase: 'Rendered', reason: 'Refused', retry: 'never' },
};

/** A render that failed because of the module or its input; `never` means: not until one of them changes. */
export class RenderError extends PequodError {
  override readonly code: RenderErrorCode;
  readonly phase: RenderPhase;
  /** All errors, with path and position, and what else was found; at least one has severity Error. */
  readonly violations: readonly Violation[];

  constructor(code: RenderErrorCode, violations: readonly Violation[], cause?: unknown) {
    const { phase, ...handling } = HANDLING[code];
    super(summary(violations), { code, ...handling, cause });
    this.code = code;
    this.phase = phase;
    this.violations = violations;
  }
}

function summary(violations: readonly Violation[]): string {
  const errors = violations.filter(({ severity }) => severity === 'Error');
  const [first] = errors;
  if (first === undefined) return 'the module could not be rendered';
  const place = first.position === undefined ? '' : ` (${first.position})`;
  const others = errors.length === 1 ? '' : `, and ${errors.length - 1} more`;
  return `${first.path === '' ? '' : `${first.path}: `}${first.message}${place}${others}`;
}
