export { artifactFolder, type CueVersion, compileEvaluator, readVersion, readWasm } from './artifact.ts';
export { Evaluator, EvaluatorFailure } from './evaluator.ts';
export { allowedImports } from './host-imports.ts';
export { withMemoryLimit } from './memory-limit.ts';
