// Standard output belongs to the one line of JSON at the end; whatever is said on the way goes to standard error.

/** Takes lines about how far a benchmark is. */
export type Report = (line: string) => void;

export const reportToStderr: Report = (line) => void process.stderr.write(`bench: ${line}\n`);
