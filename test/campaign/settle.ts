// How far the operator is with a Transform.
import { TRANSFORM_KIND } from '../../src/api/index.ts';
import { isJsonArray, isJsonObject, type JsonObject } from '../../src/json/index.ts';
import { membersAt } from './json-path.ts';
import { TRANSFORM, type World } from './world.ts';

export type Standing = 'gone' | 'ready' | 'reported' | 'working';

/** `reported`: it says of the spec that it has why it is not ready, and is not just about to be. */
export async function standingOf(world: World): Promise<Standing> {
  const live = await world.find(TRANSFORM_KIND, TRANSFORM);
  if (live === undefined) return 'gone';
  const { generation, deletionTimestamp } = live.metadata;
  const status = membersAt(live, ['status']);
  const ready = conditionOf(status, 'Ready');
  const isSeen = status['observedGeneration'] === generation && ready?.['observedGeneration'] === generation;
  if (deletionTimestamp !== undefined || !isSeen) return 'working';
  if (ready?.['status'] === 'True') return 'ready';
  return ready?.['reason'] === 'Progressing' ? 'working' : 'reported';
}

/** What Ready says, in one line. */
export async function describeStanding(world: World): Promise<string> {
  const live = await world.find(TRANSFORM_KIND, TRANSFORM);
  const ready = conditionOf(membersAt(live, ['status']), 'Ready');
  return ready === undefined
    ? 'there is no condition Ready'
    : `Ready is ${String(ready['status'])}, ${String(ready['reason'])}: ${String(ready['message'])}`;
}

function conditionOf(status: JsonObject, type: string): JsonObject | undefined {
  const { conditions } = status;
  return (isJsonArray(conditions) ? conditions : [])
    .filter(isJsonObject)
    .find((each) => each['type'] === type);
}
