import type { CueDiagnostic } from './diagnostic.ts';
import type { CueModule, CueModuleInfo } from './module-source.ts';

/** JSON text that is unified with the value at a path. */
export interface CueFill {
  /** A CUE path such as `input` or `graph.nodes."my-app"`. */
  readonly path: string;
  /** JSON text; its numbers are taken as they are written. */
  readonly json: string;
  /** The file name in the positions of errors; the path by default. */
  readonly name?: string;
  /** A path, such as `#Input`, whose value is unified with `path` too, where the package has it. */
  readonly unifyWith?: string;
}

/** Asks whether there is a value, definitions and hidden fields included. */
export interface ExistsQuery {
  readonly type: 'exists';
  readonly path: string;
}

/** Asks what is wrong with a value. */
export interface ValidateQuery {
  readonly type: 'validate';
  readonly path: string;
  /** Whether a value that is not known yet is wrong too. */
  readonly concrete?: boolean;
  /**
   * Checks this JSON text against the value at `path` of the *unfilled* package, so that the answer
   * is about this text alone.
   */
  readonly fill?: Omit<CueFill, 'path' | 'unifyWith'>;
  /** Written in place of `path` at the start of the paths of errors. */
  readonly reportAs?: string;
  /** Whether the queries after this one are left unanswered if it finds errors. */
  readonly gate?: boolean;
}

/** Asks for a value as JSON. */
export interface ExportQuery {
  readonly type: 'export';
  readonly path: string;
}

/** Asks for each field or element of a value as JSON, or what is wrong with it. */
export interface ChildrenQuery {
  readonly type: 'children';
  readonly path: string;
}

/** Asks which values below some roots are read by the value at a path. */
export interface ReferencesQuery {
  readonly type: 'references';
  readonly path: string;
  /** Names of fields of the package, such as `input`. */
  readonly roots: readonly string[];
  /** Whether each field or element of the value is looked at by itself too. */
  readonly children?: boolean;
}

export type CueQuery = ExistsQuery | ValidateQuery | ExportQuery | ChildrenQuery | ReferencesQuery;

interface ValueResult {
  /**
   * Whether there is such a value. A field that is only declared (`a?:`) is not. Errors beside
   * `false` are those of the struct that could hold it: then it may yet come to be.
   */
  readonly exists: boolean;
  /** CUE's name of the type, such as `struct`, or `(int|string)` where it is open. */
  readonly kind?: string;
}

export interface ExistsResult extends ValueResult {
  readonly type: 'exists';
}

export interface ValidateResult extends ValueResult {
  readonly type: 'validate';
  /** Empty where all is well. */
  readonly errors: readonly CueDiagnostic[];
}

export interface ExportResult extends ValueResult {
  readonly type: 'export';
  /** JSON text; absent if there are errors or no value. */
  readonly json?: string;
  readonly errors: readonly CueDiagnostic[];
}

/** A field or element: either JSON text or what is wrong with it. */
export interface CueChild {
  /** The field's name, unquoted, or the element's index. */
  readonly label: string;
  readonly json?: string;
  readonly errors: readonly CueDiagnostic[];
}

export interface ChildrenResult extends ValueResult {
  readonly type: 'children';
  /** In the order of the source. Not all of them, if `errors` says that the value itself is open. */
  readonly children: readonly CueChild[];
  /** What is wrong with the struct or list itself, as when a comprehension lacks a value. */
  readonly errors: readonly CueDiagnostic[];
}

/** A path that is read. Everything at and below it counts as read. */
export interface CueReference {
  /** `segments` as a CUE path. */
  readonly path: string;
  /** The root first. A `*` stands for any key: which one is not known. */
  readonly segments: readonly string[];
}

export interface ChildReferences {
  readonly label: string;
  readonly references: readonly CueReference[];
}

export interface ReferencesResult {
  readonly type: 'references';
  readonly exists: boolean;
  /** A superset of what is read for the whole value. */
  readonly references: readonly CueReference[];
  /** A superset for each child; empty unless asked for. */
  readonly children: readonly ChildReferences[];
}

export type CueResult = ExistsResult | ValidateResult | ExportResult | ChildrenResult | ReferencesResult;

/** The result that belongs to a query. */
export type CueResultOf<Q extends CueQuery> = Extract<CueResult, { readonly type: Q['type'] }>;

/** The results of queries, each at its query's index; `undefined` behind a gate that closed. */
export type CueResultsOf<Q extends readonly CueQuery[]> = {
  readonly [K in keyof Q]: CueResultOf<Q[K]> | undefined;
};

/** One evaluation: a package, what is filled in, what is asked. */
export interface CueEvaluation<Q extends readonly CueQuery[] = readonly CueQuery[]> {
  readonly module: CueModule;
  /** A folder of the module, `.` by default; `./sub:name` picks one of several packages. */
  readonly package?: string;
  readonly fills?: readonly CueFill[];
  readonly queries: Q;
}

/** The answers, or why there are none: text that doesn't parse, a missing import, a limit. */
export type CueOutcome<Q extends readonly CueQuery[]> =
  | { readonly ok: true; readonly module: CueModuleInfo; readonly results: CueResultsOf<Q> }
  | { readonly ok: false; readonly errors: readonly CueDiagnostic[]; readonly module?: CueModuleInfo };
