import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryRegistry } from './memory-registry.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/signatures');

/** What cosign itself has written to a registry. */
export interface CosignSample {
  readonly name: string;
  /** Version and command line. */
  readonly madeBy: string;
  readonly publicKey: string;
  /** Of what is signed. */
  readonly digest: string;
  readonly registry: MemoryRegistry;
}

interface SampleFile extends Omit<CosignSample, 'name' | 'registry'> {
  readonly tags: Readonly<Record<string, string>>;
  readonly manifests: Readonly<Record<string, string>>;
  readonly blobs: Readonly<Record<string, string>>;
}

export function cosignSampleNames(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length));
}

/** A sample in a registry of its own. */
export function cosignSample(name: string): CosignSample {
  const file: SampleFile = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8'));
  const registry = new MemoryRegistry();
  for (const [tag, digest] of Object.entries(file.tags)) registry.tags.set(tag, digest);
  for (const [digest, text] of Object.entries(file.manifests)) registry.manifests.set(digest, text);
  for (const [digest, text] of Object.entries(file.blobs)) registry.blobs.set(digest, Buffer.from(text));
  const { madeBy, publicKey, digest } = file;
  return { name, madeBy, publicKey, digest, registry };
}
