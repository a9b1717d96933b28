// What the operator says of itself at `/healthz` and `/readyz`. Liveness fails for what a restart would heal and for nothing
// else: an API server that is away is no reason to restart. Readiness names every part that does not do its work.
import type { ByteCache } from './cache/index.ts';
import type { Reachability } from './kube/index.ts';
import type { EvaluatorPulse } from './render/index.ts';
import type { Manager } from './runtime/index.ts';
import type { HealthCheck } from './server/index.ts';

/** Something whose work can come to a stop that it can't end by itself. */
interface Deadlocking {
  readonly name: string;
  /** What only a restart heals, in words. */
  deadlock(): string | undefined;
}

export interface HealthSubjects {
  readonly manager: Pick<Manager, 'health'>;
  readonly controllers: readonly Deadlocking[];
  readonly reachability: Pick<Reachability, 'outage'>;
  /** The watches of the operator's own kinds. */
  readonly watches: readonly { readonly secondsSinceLastEvent: number }[];
  readonly evaluator: Pick<EvaluatorPulse, 'deadlock' | 'problem'>;
  readonly cache: Pick<ByteCache, 'folderProblem'>;
  /** Milliseconds; only differences count, and those of {@link Reachability} too. */
  readonly now: () => number;
}

/** The checks of an operator whose parts may not be there yet. */
export class OperatorHealth {
  #live: readonly HealthCheck[] = [EVENT_LOOP];
  #ready: () => readonly HealthCheck[] = () => [{ name: 'operator', check: () => 'is starting' }];

  readonly live = (): readonly HealthCheck[] => this.#live;
  readonly ready = (): readonly HealthCheck[] => this.#ready();

  /** From now on its parts are asked. */
  watch(subjects: HealthSubjects): void {
    this.#live = livenessChecks(subjects);
    this.#ready = readinessChecks(subjects);
  }
}

/** That it is answered shows it. */
const EVENT_LOOP: HealthCheck = { name: 'event loop', check: () => undefined };
/** Bookmarks come every minute. */
const SILENCE_SECONDS = 150;
/** How long one look at the cache folder counts. */
const FOLDER_FRESH_MS = 10_000;

function livenessChecks(subjects: HealthSubjects): readonly HealthCheck[] {
  const { controllers, evaluator } = subjects;
  return [
    EVENT_LOOP,
    ...controllers.map((controller) => ({ name: controller.name, check: () => controller.deadlock() })),
    { name: 'evaluator', check: () => evaluator.deadlock() },
  ];
}

function readinessChecks(subjects: HealthSubjects): () => readonly HealthCheck[] {
  const { manager, evaluator } = subjects;
  const folder = sometimes(FOLDER_FRESH_MS, subjects.now, () => subjects.cache.folderProblem());
  return () => [
    { name: 'api server answers', check: () => silence(subjects) },
    { name: 'evaluator workers', check: () => evaluator.problem() },
    { name: 'cache folder', check: folder },
    ...manager.health().map(({ name, isHealthy, message }) => ({
      name,
      check: () => (isHealthy ? undefined : (message ?? 'not healthy')),
    })),
  ];
}

function silence({ reachability, watches, now }: HealthSubjects): string | undefined {
  const { outage } = reachability;
  if (outage !== undefined) {
    return `away for ${Math.round((now() - outage.sinceMs) / 1000)} s: ${outage.problem}`;
  }
  const seconds = Math.min(...watches.map(({ secondsSinceLastEvent }) => secondsSinceLastEvent));
  return seconds > SILENCE_SECONDS ? `no watch has heard of it for ${Math.round(seconds)} s` : undefined;
}

/** `check`, whose answer counts for a while. */
function sometimes(
  freshMs: number,
  now: () => number,
  check: () => Promise<string | undefined>,
): () => Promise<string | undefined> {
  let atMs = Number.NEGATIVE_INFINITY;
  let answer: Promise<string | undefined> = Promise.resolve(undefined);
  return () => {
    if (now() - atMs >= freshMs) {
      atMs = now();
      answer = check();
    }
    return answer;
  };
}
