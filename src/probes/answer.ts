import type { ExternalPredicate, KubeObject, NamespacedName, WebhookPredicate } from '../api/index.ts';

/** A predicate that no watch can answer. */
export type ProbePredicate = ExternalPredicate | WebhookPredicate;

/** What one question found out. */
export interface ProbeFinding {
  readonly state: 'ready' | 'waiting' | 'failed';
  /** CamelCase. */
  readonly reason: string;
  /** Reads on after the name of the object. Says the same as long as the same is the case. */
  readonly message: string;
}

/** A question: who asks, about what, and what a webhook is told. */
export interface ProbeQuestion {
  readonly transform: NamespacedName;
  readonly nodeId: string;
  readonly predicate: ProbePredicate;
  readonly object: ProbedObject;
}

/** The node's object, for webhooks. */
export interface ProbedObject {
  readonly kind: string;
  /** Changes whenever the object does; undefined where that is not known. */
  readonly version: () => string | undefined;
  /** Reads it as the tenant. */
  readonly read: (signal: AbortSignal) => Promise<KubeObject>;
}

export function isReady(message: string): ProbeFinding {
  return { state: 'ready', reason: 'Ready', message };
}

export function isWaiting(message: string): ProbeFinding {
  return { state: 'waiting', reason: 'ProbeNotReady', message: `is not ready: ${message}` };
}

export function isWrong(reason: string, message: string): ProbeFinding {
  return { state: 'failed', reason, message };
}
