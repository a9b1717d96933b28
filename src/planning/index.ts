export { changesBetween, type FoundChanges, isSecret } from './changes.ts';
export { type FittedItems, fitItems } from './fit.ts';
export { type PlanFacts, type PlannedEffect, planHash } from './plan-hash.ts';
export { describeItems } from './words.ts';
