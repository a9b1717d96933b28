import type { Change, Scene } from './change.ts';
import { environmentChange } from './environment.ts';
import { inputChange } from './input-values.ts';
import { lifeChange } from './lives.ts';
import { moduleChange } from './nodes.ts';
import { sourceChange } from './sources.ts';
import { fieldChange } from './spec-fields.ts';

export type { Change, Scene } from './change.ts';

/** The change that follows from a scene's numbers. */
export function generateChange(scene: Scene): Change {
  const { base, random } = scene;
  const at = random.next();
  if (at < 0.4) return fieldChange(scene);
  if (at < 0.7) return moduleOrInput(scene, base.nodes !== undefined, base.inputs !== undefined);
  if (at < 0.92) return environmentChange(scene);
  return lifeChange(scene);
}

function moduleOrInput(scene: Scene, hasNodes: boolean, hasInputs: boolean): Change {
  if (scene.random.chance(0.4)) {
    const change = sourceChange(scene);
    if (change !== undefined) return change;
  }
  const isModule = hasNodes && (!hasInputs || scene.random.chance(0.5));
  return isModule ? moduleChange(scene) : inputChange(scene);
}
