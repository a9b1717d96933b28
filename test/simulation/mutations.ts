// Ways to break the operator on purpose, each against one rule: a simulator that does not find them finds nothing.
export const MUTATIONS = [
  'blind-to-dependencies',
  'crowded',
  'deaf-to-changes',
  'delete-found-objects',
  'delete-without-order',
  'forget-intents',
  'late-inventory',
  'prune-at-once',
  'ready-too-soon',
  'retry-never',
] as const;

export type Mutation = (typeof MUTATIONS)[number];
