// What is wrong, a line each, in the form that editors and CI systems jump to: file:line:col: severity: what.
import type { Violation } from '../api/index.ts';
import type { Rendered } from '../render/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import { readObserved } from './observed-file.ts';
import { type OfflineRender, renderOffline } from './offline.ts';
import { openPlaces, type PlaceFlags } from './offline-places.ts';
import { type Terminal, write } from './terminal.ts';
import type { TransformFile } from './transform-file.ts';

/** How a Transform is rendered without a cluster. */
export interface OfflineFlags extends PlaceFlags {
  readonly moduleDir?: string;
  /** A file. */
  readonly observed?: string;
}

/**
 * The render of a Transform that nothing stands in the way of; warnings go to standard error.
 * @throws CliError whose message is everything that is wrong
 */
export async function renderOrFail(
  file: TransformFile,
  flags: OfflineFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Rendered> {
  const observed = flags.observed === undefined ? undefined : await readObserved(flags.observed);
  const { cueRef } = file.transform.spec;
  await using network = await openPlaces(cueRef, flags, terminal);
  const render = await renderOffline(file, { moduleDirectory: flags.moduleDir, observed, network }, signal);
  const lines = [...unverifiedLines(file), ...reportLines(file, render)];
  if (!render.result.ok || render.graphProblems.length > 0) {
    throw new CliError(lines.join('\n'), EXIT_CODES.failure);
  }
  const said = [...lines, ...waitingLines(file, render.result)];
  for (const line of said) await write(terminal.stderr, `${line}\n`);
  return render.result;
}

/** What is not looked at without a cluster. */
function unverifiedLines(file: TransformFile): readonly string[] {
  if (file.transform.spec.cueRef.verify === undefined) return [];
  return [`${file.position('spec.cueRef.verify')}: info: signatures are not verified here`];
}

/** The nodes whose objects depend on live values that are not known. */
function waitingLines(file: TransformFile, { nodes }: Rendered): readonly string[] {
  return nodes.flatMap(({ id, waitsFor }) =>
    waitsFor === undefined
      ? []
      : [`${file.position('spec.cueRef')}: info: node ${id} waits for ${waitsFor.join(', ')}`],
  );
}

/** Everything that a render found, errors and warnings, in its own order; empty where it found nothing. */
function reportLines(file: TransformFile, render: OfflineRender): readonly string[] {
  const { result, graphProblems } = render;
  return [
    ...result.violations.map((violation) => violationLine(file, violation)),
    ...graphProblems.map((message) => `${file.position('spec.cueRef')}: error: ${message}`),
  ];
}

function violationLine(
  file: TransformFile,
  { path, message, severity, policy, position }: Violation,
): string {
  const isInput = path === 'input' || /^input[.[]/.test(path);
  const place = file.position(isInput ? `spec.${path}` : 'spec.cueRef');
  const subject = path === '' ? '' : `${path}: `;
  const origin = [
    ...(position === undefined ? [] : [position]),
    ...(policy === undefined ? [] : [`policy ${policy}`]),
  ].join(', ');
  return `${place}: ${severity.toLowerCase()}: ${subject}${message}${origin === '' ? '' : ` (${origin})`}`;
}
