export { type CueVersion, compileEvaluator, readVersion } from './artifact.ts';
export { Evaluator } from './evaluator.ts';
export { allowedImports } from './host-imports.ts';
export { withMemoryLimit } from './memory-limit.ts';
export { artifactFolder, readWasm } from './read-wasm.ts';
