export { artifactFolder, type CueVersion, compileEvaluator, readVersion, readWasm } from './artifact.ts';
export { Evaluator } from './evaluator.ts';
export { allowedImports } from './host-imports.ts';
export { withMemoryLimit } from './memory-limit.ts';
