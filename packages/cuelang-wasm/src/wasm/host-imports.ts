/**
 * Everything the evaluator can ask of its host. There are no files, no
 * environment, no arguments and no network. Time and random numbers follow
 * from a fixed start, so the same request gives the same answer anywhere; only
 * what the Go runtime writes to standard error when it dies is taken.
 */
const MODULE = 'wasi_snapshot_preview1';

const ERRNO_SUCCESS = 0;
const ERRNO_BADF = 8;
const ERRNO_NOSYS = 52;

/** 2000-01-01T00:00:00Z: what the evaluator takes for now. */
const FIXED_TIME_NANOS = 946_684_800_000_000_000n;
const NANOS_PER_LOOK = 1_000n;
const CLOCK_REALTIME = 0;
const MAX_STDERR_BYTES = 16_384;

/** Calls that a Go program links in whether it uses them or not; each is refused. */
const REFUSED = [
  'fd_close',
  'fd_fdstat_get',
  'fd_fdstat_set_flags',
  'fd_filestat_get',
  'fd_filestat_set_size',
  'fd_prestat_dir_name',
  'fd_prestat_get',
  'fd_pread',
  'fd_pwrite',
  'fd_read',
  'fd_readdir',
  'fd_seek',
  'fd_sync',
  'path_create_directory',
  'path_filestat_get',
  'path_open',
  'path_readlink',
  'path_remove_directory',
  'path_symlink',
  'path_unlink_file',
  'sock_accept',
  'sock_shutdown',
] as const;

const SERVED = [
  'args_get',
  'args_sizes_get',
  'clock_time_get',
  'environ_get',
  'environ_sizes_get',
  'fd_write',
  'poll_oneoff',
  'proc_exit',
  'random_get',
  'sched_yield',
] as const;

/** The names of all host calls that a module may import. */
export const allowedImports: readonly string[] = [...SERVED, ...REFUSED].map((name) => `${MODULE}.${name}`);

/** The evaluator ended itself: out of memory, or a failure in Go. */
export class EvaluatorExit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`the evaluator exited with code ${code}`);
    this.name = 'EvaluatorExit';
    this.code = code;
  }
}

/** The host side of one instance. */
export class HostImports {
  /** Set by the owner once the instance exists. */
  memory: WebAssembly.Memory | undefined;
  #stderr = '';
  #ticks = 0n;
  #random = 0x9e3779b9;

  /** What was written to standard error, the first part of it. */
  get stderr(): string {
    return this.#stderr;
  }

  /** The import object for a module, or an error that names what it must not import. */
  importsFor(module: WebAssembly.Module): WebAssembly.Imports {
    const unknown = WebAssembly.Module.imports(module).filter(
      (it) => it.kind !== 'function' || !allowedImports.includes(`${it.module}.${it.name}`),
    );
    if (unknown.length > 0) {
      throw new Error(`the module imports ${unknown.map((it) => `${it.module}.${it.name}`).join(', ')}`);
    }
    const refused = Object.fromEntries(REFUSED.map((name) => [name, (): number => ERRNO_BADF]));
    return { [MODULE]: { ...refused, ...this.#served() } };
  }

  #served(): Record<(typeof SERVED)[number], (...args: never[]) => unknown> {
    return {
      args_get: () => ERRNO_SUCCESS,
      args_sizes_get: (count: number, size: number) => this.#noStrings(count, size),
      environ_get: () => ERRNO_SUCCESS,
      environ_sizes_get: (count: number, size: number) => this.#noStrings(count, size),
      sched_yield: () => ERRNO_SUCCESS,
      clock_time_get: (clock: number, _precision: bigint, at: number) => {
        this.#view().setBigUint64(at, this.#now(clock), true);
        return ERRNO_SUCCESS;
      },
      random_get: (at: number, length: number) => {
        const bytes = new Uint8Array(this.#buffer(), at, length);
        for (let i = 0; i < length; i++) bytes[i] = this.#nextRandom();
        return ERRNO_SUCCESS;
      },
      fd_write: (fd: number, vectors: number, count: number, writtenAt: number) =>
        this.#write(fd, vectors, count, writtenAt),
      poll_oneoff: (subscriptions: number, events: number, count: number, readyAt: number) =>
        this.#poll(subscriptions, events, count, readyAt),
      proc_exit: (code: number) => {
        throw new EvaluatorExit(code);
      },
    };
  }

  #buffer(): ArrayBuffer {
    if (this.memory === undefined) throw new Error('host call before the memory is known');
    return this.memory.buffer;
  }

  #view(): DataView {
    return new DataView(this.#buffer());
  }

  #noStrings(countAt: number, sizeAt: number): number {
    const view = this.#view();
    view.setUint32(countAt, 0, true);
    view.setUint32(sizeAt, 0, true);
    return ERRNO_SUCCESS;
  }

  /** The wall clock stands still; the monotonic one goes on a little with each look. */
  #now(clock: number): bigint {
    if (clock === CLOCK_REALTIME) return FIXED_TIME_NANOS;
    this.#ticks += NANOS_PER_LOOK;
    return this.#ticks;
  }

  /** xorshift32: spreads Go's map seeds, and is no secret. */
  #nextRandom(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x >>> 0;
    return this.#random & 0xff;
  }

  #write(fd: number, vectors: number, count: number, writtenAt: number): number {
    if (fd !== 2) return ERRNO_BADF;
    const view = this.#view();
    let written = 0;
    for (let i = 0; i < count; i++) {
      const at = view.getUint32(vectors + i * 8, true);
      const length = view.getUint32(vectors + i * 8 + 4, true);
      const room = MAX_STDERR_BYTES - this.#stderr.length;
      const bytes = new Uint8Array(this.#buffer(), at, Math.min(length, Math.max(0, room)));
      this.#stderr += new TextDecoder().decode(bytes);
      written += length;
    }
    view.setUint32(writtenAt, written, true);
    return ERRNO_SUCCESS;
  }

  /** Nothing is waited for: a sleeper is told at once that its time has come. */
  #poll(subscriptions: number, events: number, count: number, readyAt: number): number {
    const view = this.#view();
    let ready = 0;
    for (let i = 0; i < count; i++) {
      const subscription = subscriptions + i * 48;
      if (view.getUint8(subscription + 8) !== 0) continue;
      const timeout = view.getBigUint64(subscription + 24, true);
      const isAbsolute = (view.getUint16(subscription + 40, true) & 1) === 1;
      const until = isAbsolute ? timeout : this.#ticks + timeout;
      if (until > this.#ticks) this.#ticks = until;
      const event = events + ready * 32;
      view.setBigUint64(event, view.getBigUint64(subscription, true), true);
      view.setUint16(event + 8, ERRNO_SUCCESS, true);
      view.setUint8(event + 10, 0);
      ready++;
    }
    view.setUint32(readyAt, ready, true);
    return ready > 0 ? ERRNO_SUCCESS : ERRNO_NOSYS;
  }
}
