// What is wrong with a graph, all at once, so that an author fixes a module in one go.

export type GraphProblemCode =
  | 'TooManyNodes'
  | 'InvalidId'
  | 'DuplicateId'
  | 'UnknownDependency'
  | 'SelfDependency'
  | 'Cycle'
  | 'InvalidObject'
  | 'DuplicateObject'
  | 'InvalidPredicate'
  | 'InvalidExport'
  | 'InvalidIgnoreField';

export interface GraphProblem {
  readonly code: GraphProblemCode;
  /** The nodes concerned; of a cycle, the whole path, its first node not repeated. */
  readonly nodeIds: readonly string[];
  /** One line, lowercase. */
  readonly message: string;
}
