// Which fault a call gets: of the rules that match, and whose fault such a call can have, the oldest.
import type { Fault, FaultRule, SeenCall, WatchFault } from './types.ts';

export class Rules {
  readonly #rules: Map<FaultRule, number> = new Map();

  /** @returns what takes it away */
  add(rule: FaultRule): () => void {
    // A copy, so that the same rule given twice is two rules.
    const own = { ...rule };
    this.#rules.set(own, rule.times ?? 1);
    return () => this.#rules.delete(own);
  }

  /** The fault for this call; one use of its rule is spent. */
  take(call: SeenCall): Fault | undefined {
    for (const [rule, left] of this.#rules) {
      if (!suits(rule.fault, call) || !rule.matches(call)) continue;
      if (left > 1) this.#rules.set(rule, left - 1);
      else this.#rules.delete(rule);
      return rule.fault;
    }
    return undefined;
  }
}

export function isWatchFault(fault: Fault): fault is WatchFault {
  return ['stall', 'drop-events', 'error-frame', 'end-stream'].includes(fault.type);
}

function suits(fault: Fault, call: SeenCall): boolean {
  if (isWatchFault(fault)) return call.verb === 'watch';
  if (fault.type === 'gone') return call.verb === 'watch' || call.verb === 'list';
  return fault.type !== 'truncated-json' || call.verb !== 'watch';
}
