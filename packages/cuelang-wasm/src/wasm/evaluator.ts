import { EvaluatorExit, HostImports } from './host-imports.ts';

/** The evaluator is broken for good; its instance has to be thrown away. */
export class EvaluatorFailure extends Error {
  readonly isOutOfMemory: boolean;

  constructor(message: string, isOutOfMemory: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EvaluatorFailure';
    this.isOutOfMemory = isOutOfMemory;
  }
}

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly _initialize: () => void;
  readonly allocate: (size: number) => number;
  readonly handle: () => bigint;
}

function isExports(x: unknown): x is Exports {
  const kind = (key: string): string =>
    typeof x === 'object' && x !== null ? typeof Reflect.get(x, key) : 'undefined';
  return (
    kind('memory') === 'object' &&
    ['_initialize', 'allocate', 'handle'].every((key) => kind(key) === 'function')
  );
}

/** One instance of the evaluator: a request in, an answer out, both JSON text. */
export class Evaluator {
  readonly #host = new HostImports();
  readonly #exports: Exports;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();

  constructor(module: WebAssembly.Module) {
    const instance = new WebAssembly.Instance(module, this.#host.importsFor(module));
    if (!isExports(instance.exports)) throw new Error('the module is not the evaluator');
    this.#exports = instance.exports;
    this.#host.memory = this.#exports.memory;
    this.#guarded(() => this.#exports._initialize());
  }

  /** How much memory the instance has taken; it never gives any back. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** Answers a request. Throws EvaluatorFailure where the instance is lost. */
  handle(request: string): string {
    return this.#guarded(() => {
      const bytes = this.#encoder.encode(request);
      const at = this.#exports.allocate(bytes.length) >>> 0;
      new Uint8Array(this.#exports.memory.buffer, at, bytes.length).set(bytes);
      const packed = BigInt.asUintN(64, this.#exports.handle());
      const view = new Uint8Array(
        this.#exports.memory.buffer,
        Number(packed >> 32n),
        Number(packed & 0xffff_ffffn),
      );
      return this.#decoder.decode(view);
    });
  }

  #guarded<T>(call: () => T): T {
    try {
      return call();
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  #failure(cause: unknown): EvaluatorFailure {
    const [first = ''] = this.#host.stderr.split('\n');
    if (cause instanceof RangeError) {
      return new EvaluatorFailure('the evaluation is nested too deeply', false, { cause });
    }
    if (/out of memory|cannot allocate memory|stack exceeds/.test(this.#host.stderr)) {
      return new EvaluatorFailure('the evaluation needs more memory than it may have', true, { cause });
    }
    const reason = cause instanceof EvaluatorExit || first !== '' ? first : String(cause);
    return new EvaluatorFailure(`the evaluator failed: ${reason}`, false, { cause });
  }
}
