export {
  type AttachOptions,
  attachBundle,
  attachSimple,
  bundle,
  keylessBundle,
  messageBundle,
  preAuthEncoding,
  STATEMENT,
  simplePayload,
  statement,
} from './attachments.ts';
export { type CosignSample, cosignSample, cosignSampleNames } from './cosign-samples.ts';
export { MemoryRegistry } from './memory-registry.ts';
export { type KeylessOptions, pemOf, SIGNED_AT, TestSigstore } from './sigstore.ts';
