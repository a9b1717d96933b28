export { type CosignSample, cosignSample, cosignSampleNames } from './cosign-samples.ts';
export { digestOf, MemoryRegistry } from './memory-registry.ts';
