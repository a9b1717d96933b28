import { constants } from 'node:os';
import { CliError } from './exit-code.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Does work that must leave nothing half-done: an interrupt aborts its signal, and the program ends when it has cleaned up.
 * A second interrupt ends it at once.
 * @throws CliError with 128 and the signal's number where it was interrupted
 */
export async function interruptible<Result>(
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const listeners = SIGNALS.map((name) => {
    const listener = (): void => {
      const exitCode = 128 + constants.signals[name];
      if (controller.signal.aborted) process.exit(exitCode);
      controller.abort(new CliError('interrupted', exitCode));
    };
    process.on(name, listener);
    return [name, listener] as const;
  });
  try {
    return await work(AbortSignal.any([outer, controller.signal]));
  } catch (error) {
    // What was under way may have put the abort into words of its own.
    controller.signal.throwIfAborted();
    throw error;
  } finally {
    for (const [name, listener] of listeners) process.off(name, listener);
  }
}
