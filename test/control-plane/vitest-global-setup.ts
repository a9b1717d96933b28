// Vitest `globalSetup`: one control plane for a whole test run. Tests get at it with
//   const cluster = accessControlPlane(inject('controlPlane'));
// and keep apart by namespaces of their own. Nothing is reused from an earlier run.
import type { TestProject } from 'vitest/node';
import { type ControlPlaneFiles, startControlPlane } from './index.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    controlPlane: ControlPlaneFiles;
  }
}

/** Starts the control plane, with audit log, and returns what stops it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const controlPlane = await startControlPlane({ audit: true });
  project.provide('controlPlane', controlPlane.files);
  return () => controlPlane.stop();
}
