// Starts the parts of the operator in order and stops them in reverse. What was started is always stopped, however
// the start ends.
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/index.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Runnable } from './runnable.ts';

/** How often the log says which part a long start waits for. */
const REMIND_MS = 60_000;
/** Time for all parts together to stop. */
export const DEFAULT_SHUTDOWN_GRACE_MS = 30_000;

export interface ManagerOptions {
  readonly log: Logger;
  readonly graceMs?: number;
  readonly clock?: Clock;
}

export type ComponentState = 'pending' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';

export interface ComponentHealth {
  readonly name: string;
  readonly state: ComponentState;
  /** Only `running` and without a complaint of its own. */
  readonly isHealthy: boolean;
  /** What is wrong. */
  readonly message?: string;
}

interface Component {
  readonly runnable: Runnable;
  state: ComponentState;
  message: string | undefined;
}

/** Runs {@link Runnable}s for the life of a process. It is started once and stopped once. */
export class Manager {
  readonly #log: Logger;
  readonly #graceMs: number;
  readonly #clock: Clock;
  readonly #components: Component[] = [];
  #stopped: Promise<readonly string[]> | undefined;

  constructor(options: ManagerOptions) {
    this.#log = options.log;
    this.#graceMs = options.graceMs ?? DEFAULT_SHUTDOWN_GRACE_MS;
    this.#clock = options.clock ?? systemClock;
  }

  /** Adds a part; parts start in the order in which they were added. */
  add(runnable: Runnable): void {
    this.#components.push({ runnable, state: 'pending', message: undefined });
  }

  /**
   * Starts each part when the one before it is ready.
   * @param signal ends a start that hangs; the parts that run are then stopped
   * @throws what the first failing part threw, after all others were stopped
   */
  async start(signal: AbortSignal): Promise<void> {
    for (const component of this.#components) {
      try {
        signal.throwIfAborted();
        component.state = 'starting';
        await this.#startOne(component.runnable, signal);
        if (this.#stopped !== undefined) throw new Error('stopped while it was starting');
        component.state = 'running';
      } catch (error) {
        component.message = messageOf(error);
        if (signal.aborted) this.#log.info({ component: component.runnable.name }, 'start was given up');
        else this.#log.error({ component: component.runnable.name, err: error }, 'failed to start');
        await this.stop();
        component.state = 'failed';
        throw error;
      }
    }
  }

  /**
   * Stops what was started, last first, within the grace time.
   * @returns the names of parts that failed to stop, or did not stop in time
   */
  stop(): Promise<readonly string[]> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  health(): readonly ComponentHealth[] {
    return this.#components.map(({ runnable, state, message }) => {
      const complaint = complaintOf(runnable, state, message);
      const health = {
        name: runnable.name,
        state,
        isHealthy: state === 'running' && complaint === undefined,
      };
      return complaint === undefined ? health : { ...health, message: complaint };
    });
  }

  /** Says now and then what is waited for. */
  async #startOne(runnable: Runnable, signal: AbortSignal): Promise<void> {
    let cancel = (): void => undefined;
    const remind = (): void => {
      cancel = this.#clock.setTimer(REMIND_MS, () => {
        this.#log.warn({ component: runnable.name, problem: runnable.health?.() }, 'the start still waits');
        remind();
      });
    };
    remind();
    try {
      await runnable.start(signal);
    } finally {
      cancel();
    }
  }

  async #stopAll(): Promise<readonly string[]> {
    const deadline = this.#clock.now() + this.#graceMs;
    const left: string[] = [];
    for (const component of this.#components.toReversed()) {
      if (component.state === 'pending') continue;
      component.state = 'stopping';
      const problem = await this.#stopOne(component.runnable, deadline - this.#clock.now());
      component.state = problem === undefined ? 'stopped' : 'failed';
      if (problem === undefined) continue;
      component.message = problem;
      left.push(component.runnable.name);
      this.#log.error({ component: component.runnable.name, problem }, 'failed to stop');
    }
    return left;
  }

  async #stopOne(runnable: Runnable, limitMs: number): Promise<string | undefined> {
    let cancel: (() => void) | undefined;
    const timeout = new Promise<string>((resolve) => {
      cancel = this.#clock.setTimer(limitMs, () => resolve('did not stop in time'));
    });
    try {
      return await Promise.race([runnable.stop().then(() => undefined), timeout]);
    } catch (error) {
      return messageOf(error);
    } finally {
      cancel?.();
    }
  }
}

function complaintOf(
  runnable: Runnable,
  state: ComponentState,
  message: string | undefined,
): string | undefined {
  if (state === 'running') return runnable.health?.();
  if (state === 'starting') return runnable.health?.() ?? state;
  return message ?? state;
}
