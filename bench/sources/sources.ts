// What many Transforms of one module cost its registry: the requests, counted in front of the registry, until all of
// them are Ready.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_VERSION, type KubeObject, TRANSFORM_KIND } from '../../src/api/index.ts';
import { TRANSFORMS } from '../../src/kube/index.ts';
import { type Registry, runOrasTool, startRegistry } from '../../test/servers/index.ts';
import { batchOf } from '../converge/batch.ts';
import { type BenchCluster, withCluster } from '../support/cluster.ts';
import type { Measured } from '../support/measured.ts';
import { createNamespaces, TENANT } from '../support/namespaces.ts';
import { BenchOperator } from '../support/operator.ts';
import type { Report } from '../support/progress.ts';
import { watchReady } from '../support/ready.ts';
import { rounded } from '../support/statistics.ts';

export interface SourcesOptions {
  readonly count: number;
}

/** Requests at the registry. */
export interface SourcesFigures {
  readonly transforms: number;
  readonly manifests: number;
  readonly blobs: number;
  /** Of any other kind. */
  readonly others: number;
  /** Until the last Transform was Ready. */
  readonly seconds: number;
}

const MODULE = `package shared

#Input: {text: string}
input: #Input
context: {...}

graph: nodes: made: object: {
	apiVersion: "v1"
	kind:       "ConfigMap"
	metadata: name: context.name
	data: text: input.text
}
`;

export async function measureSources(
  options: SourcesOptions,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<SourcesFigures>> {
  const registry = await startRegistry();
  try {
    const digest = await push(registry);
    return await withCluster({ hasAudit: false }, report, signal, async (cluster) => {
      const flags = ['--egress-allow', '127.0.0.1', '--plain-http-host', registry.host];
      const operator = await BenchOperator.start(cluster.controlPlane, { logLevel: 'info', flags }, signal);
      try {
        const run = runTransforms(cluster, { registry, digest, report, ...options }, signal);
        return await operator.orEnd(run);
      } finally {
        await operator.stop();
      }
    });
  } finally {
    await registry.stop();
  }
}

interface Setup extends SourcesOptions {
  readonly registry: Registry;
  readonly digest: string;
  readonly report: Report;
}

async function runTransforms(
  { admin }: BenchCluster,
  { count, registry, digest, report }: Setup,
  signal: AbortSignal,
): Promise<Measured<SourcesFigures>> {
  const batch = batchOf('sources', count);
  report(`making ${batch.namespaces.length} namespaces`);
  await createNamespaces(admin, batch.namespaces, signal);
  const watch = await watchReady(admin, batch.names, signal);
  registry.forget();
  const startedAtMs = performance.now();
  try {
    const ready = watch.wait();
    const ref = `oci://${registry.host}/shared@${digest}`;
    const objects = batch.names.map(({ namespace, name }) => transform(namespace, name, ref));
    await Promise.all(objects.map((object) => admin.create(TRANSFORMS, object, {}, signal)));
    report(`${count} Transforms are there`);
    await ready;
  } finally {
    watch.close();
  }
  const seconds = rounded((performance.now() - startedAtMs) / 1000, 1);
  const kinds = registry.requests().map(({ kind }) => kind);
  const manifests = kinds.filter((kind) => kind === 'manifest').length;
  const blobs = kinds.filter((kind) => kind === 'blob').length;
  const others = kinds.length - manifests - blobs;
  return {
    figures: { transforms: count, manifests, blobs, others, seconds },
    details: registry.counts(),
  };
}

function transform(namespace: string, name: string, ref: string): KubeObject {
  const spec = { serviceAccountName: TENANT, cueRef: { type: 'oci', ref }, input: { text: name } };
  return { apiVersion: API_VERSION, kind: TRANSFORM_KIND, metadata: { name, namespace }, spec };
}

/** @returns the digest of the manifest */
async function push(registry: Registry): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'pequod-bench-module-'));
  try {
    await writeFile(join(directory, 'module.cue'), MODULE);
    const place = `${registry.host}/shared:v1`;
    const args = ['push', '--plain-http', '--directory', directory, place, 'module.cue'];
    const { exitCode, stdout, stderr } = await runOrasTool(args);
    if (exitCode !== 0) throw new Error(`oras-tool: ${stderr}`);
    return stdout.trim();
  } finally {
    await rm(directory, { recursive: true });
  }
}
