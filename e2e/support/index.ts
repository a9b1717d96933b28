export { OPERATOR_USER } from '../../test/control-plane/index.ts';
export { describeCall, writesSince } from './calls.ts';
export { applyDocExample, docExample } from './docs.ts';
export { example, exampleSpec } from './examples.ts';
export type { Kind } from './kinds.ts';
export { member, objectAt } from './member.ts';
export { CRASHES, configMap, deploymentObject, inline, NEVER_RUNS, type NodeInModule } from './modules.ts';
export { Operator } from './operator.ts';
export {
  askNow,
  loginSecret,
  pushFiles,
  pushSample,
  sampleModule,
  secretData,
  untilMade,
} from './publish.ts';
export { openShell, runDocExample, type Shell } from './shell.ts';
export { conditionOf, Space } from './space.ts';
export { adminClient, allowEdit, cluster, story, useOperator } from './story.ts';
export { until } from './until.ts';
export { PV_SIZE, volumeFor } from './volumes.ts';
export { WallClock } from './wall-clock.ts';
export { leaseWritesOf, straysOf, turnsOf, writesOf } from './writers.ts';
