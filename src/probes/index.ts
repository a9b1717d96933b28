export type { ProbedObject, ProbeFinding, ProbePredicate, ProbeQuestion } from './answer.ts';
export { NetworkAsker } from './ask.ts';
export { type ProbeOwner, Probes, type ProbesOptions, type WantedProbe } from './probes.ts';
