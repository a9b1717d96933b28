export { publishingAdvice } from './advice.ts';
export { buildModuleArtifact, type ModuleArtifact } from './module-artifact.ts';
export { type PulledModule, pullModule } from './pull-module.ts';
export { type PushOptions, type PushOutcome, pushModule } from './push-module.ts';
export { type ModuleFolder, readModuleFolder } from './read-folder.ts';
export { type WriteOptions, writeFolder } from './write-folder.ts';
