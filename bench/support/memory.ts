// What a process takes of the machine's memory, as the kernel has it. Linux only.
import { readFileSync } from 'node:fs';
import { rounded } from './statistics.ts';

export interface Memory {
  /** Resident now, in MiB. */
  readonly rssMiB: number;
  /** The most that was ever resident, in MiB. */
  readonly peakMiB: number;
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string): number =>
    rounded(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024, 1);
  return { rssMiB: mib('VmRSS'), peakMiB: mib('VmHWM') };
}
