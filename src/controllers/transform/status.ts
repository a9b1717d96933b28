// What a Transform's status says, as a function of what a pass has found. Pure: no clock, no calls. What is not known
// any better keeps its last value, so that a source that can't be reached does not hide what runs.
import { MAX_DEPENDENCIES } from '../../api/crd/index.ts';
import type {
  ResourceGraphStatus,
  RevisionPin,
  Transform,
  TransformStatus,
  Violation,
} from '../../api/index.ts';
import { canonicalJson } from '../../json/index.ts';
import type { Resolution } from '../../source/index.ts';
import { clipText, clipToken, clipViolations } from './clip.ts';
import { judge, stepConditions, type Verdict, verdictConditions } from './conditions.ts';
import { type Findings, isGraphCurrent, isPlanned } from './findings.ts';
import type { RenderSummary } from './memory.ts';

const MAX_REVISION_LENGTH = 512;
const MAX_SIGNER_LENGTH = 512;
/** Of a failure, as a column shows it; conditions and violations have it whole. */
const MAX_BLOCKED_BY_LENGTH = 256;

/** The status after a pass. @param nowIso RFC 3339, whole seconds */
export function nextStatus(transform: Transform, findings: Findings, nowIso: string): TransformStatus {
  const previous = transform.status ?? {};
  const { generation = 0 } = transform.metadata;
  const { graph, summary, failure, hold, resolution, token } = findings;
  const isCurrent = isGraphCurrent(findings);
  const {
    blockedBy: _blockedBy,
    liveRenders: _liveRenders,
    nodes: _nodes,
    pin: pinBefore,
    plan: _plan,
    readyNodes: _readyNodes,
    resourceGraphRef: _ref,
    violations: _violations,
    ...kept
  } = previous;
  const violations = violationsOf(previous, findings);
  const next: TransformStatus = {
    ...(findings.pinning?.pin === undefined ? kept : withoutRender(kept)),
    observedGeneration: generation,
    ...(isTokenHandled(findings) ? { lastHandledReconcileAt: clipToken(token ?? '') } : {}),
    ...(graph === undefined ? {} : { resourceGraphRef: { name: transform.metadata.name, uid: graph.uid } }),
    ...(resolution === undefined
      ? {}
      : { resolvedCueRef: resolvedRef(previous, resolution, summary, nowIso) }),
    ...(isCurrent && summary !== undefined && resolution !== undefined
      ? {
          renderKey: summary.key,
          renderReads: summary.reads,
          applied: { ...revisionOf(resolution), digest: resolution.digest, renderHash: summary.renderHash },
        }
      : {}),
    ...revisionPart(findings, pinBefore),
    ...mirror(graph?.status),
    ...liveRendersOf(previous, findings),
    ...(hold === undefined || graph === undefined
      ? {}
      : { blockedBy: clipText(hold.message, MAX_BLOCKED_BY_LENGTH) }),
    ...planPart(findings),
    ...(failure === undefined ? {} : { blockedBy: clipText(failure.error.message, MAX_BLOCKED_BY_LENGTH) }),
  };
  const steps = stepConditions(previous.conditions, {
    failure,
    silence: findings.silence,
    isCurrent,
    isPlanned: isPlanned(findings),
    resolution,
    generation,
    nowIso,
  });
  const verdict = judge(transform, findings, isCurrent);
  return {
    ...next,
    ...(next.blockedBy === undefined && isForSomebody(verdict)
      ? { blockedBy: clipText(verdict.message, MAX_BLOCKED_BY_LENGTH) }
      : {}),
    ...(violations === undefined || violations.length === 0 ? {} : { violations }),
    ...(verdict.status === 'True' ? { firstReadyAt: previous.firstReadyAt ?? nowIso } : {}),
    conditions: verdictConditions(steps, verdict, generation, nowIso),
  };
}

/** Not ready, and nothing that goes on by itself changes that: somebody has to know why. */
function isForSomebody({ status, progress }: Verdict): boolean {
  return status === 'False' && progress !== 'reconciling';
}

/** What a pinned revision was rendered from is no render that could be gone on from. */
function withoutRender({ renderKey: _key, renderReads: _reads, ...kept }: TransformStatus): TransformStatus {
  return kept;
}

/** The plan of the candidate that the graph names. */
function planPart({ graph }: Findings): Pick<TransformStatus, 'plan'> {
  const plan = graph?.status?.plan;
  return plan === undefined || plan.candidate !== graph?.spec?.planRevision ? {} : { plan };
}

/** Which revision runs, and why. */
function revisionPart(
  { graph, pinning }: Findings,
  pinBefore: RevisionPin | undefined,
): Pick<TransformStatus, 'applied' | 'currentRevision' | 'pin'> {
  const pin = pinning === undefined ? pinBefore : pinning.pin;
  const { revision, digest = '', renderHash = '' } = graph?.spec?.metadata ?? {};
  return {
    ...(revision === undefined ? {} : { currentRevision: revision }),
    ...(pin === undefined ? {} : { pin }),
    ...(pin !== undefined && pin.revision === revision ? { applied: { digest, renderHash } } : {}),
  };
}

function liveRendersOf(
  previous: TransformStatus,
  { liveRenders = previous.liveRenders }: Findings,
): Pick<TransformStatus, 'liveRenders'> {
  return liveRenders === undefined || liveRenders === 'none' ? {} : { liveRenders };
}

/** The status of a Transform whose spec can't be read: nothing else about it is touched. */
export function invalidStatus(
  previous: TransformStatus,
  problem: string,
  generation: number,
  nowIso: string,
): TransformStatus {
  const message = `${problem}; what runs is left as it is`;
  const verdict = { status: 'False', reason: 'InvalidSpec', message, progress: 'stalled' } as const;
  const conditions = verdictConditions(previous.conditions ?? [], verdict, generation, nowIso);
  return { ...previous, observedGeneration: generation, conditions };
}

/** A reconcile that was asked for is over when the graph has had its run, too; where there is none, with this pass. */
function isTokenHandled({ token, graph, isSuspended }: Findings): boolean {
  if (token === undefined) return false;
  if (graph?.spec === undefined || isSuspended === true) return true;
  const { status, generation } = graph;
  return status?.lastHandledReconcileAt === clipToken(token) && status.observedGeneration === generation;
}

function resolvedRef(
  previous: TransformStatus,
  resolution: Resolution,
  summary: RenderSummary | undefined,
  nowIso: string,
): NonNullable<TransformStatus['resolvedCueRef']> {
  const before = previous.resolvedCueRef?.digest === resolution.digest ? previous.resolvedCueRef : undefined;
  const { digest, signer } = resolution;
  const dependencies = summary?.dependencies?.slice(0, MAX_DEPENDENCIES) ?? before?.dependencies ?? [];
  return {
    digest,
    ...revisionOf(resolution),
    fetchedAt: before?.fetchedAt ?? nowIso,
    ...(signer === undefined ? {} : { signer: clipText(signer, MAX_SIGNER_LENGTH) }),
    ...(dependencies.length === 0 ? {} : { dependencies }),
  };
}

function revisionOf({ revision }: Resolution): { readonly revision?: string } {
  return revision === undefined ? {} : { revision: clipText(revision, MAX_REVISION_LENGTH) };
}

function violationsOf(previous: TransformStatus, findings: Findings): TransformStatus['violations'] {
  const { failure, graph, summary, sizeWarnings = [] } = findings;
  if (failure?.step === 'Fetched') return previous.violations;
  if (failure !== undefined) return clipViolations(failure.violations);
  const found = clipViolations(summary?.violations ?? graph?.spec?.violations ?? []);
  const isListed = (warning: Violation): boolean =>
    found.some((violation) => canonicalJson(violation) === canonicalJson(warning));
  return clipViolations([...found, ...sizeWarnings.filter((warning) => !isListed(warning))]);
}

function mirror(
  status: ResourceGraphStatus | undefined,
): Pick<TransformStatus, 'blockedBy' | 'nodes' | 'readyNodes'> {
  const { nodeStatus, blockedBy } = status ?? {};
  const nodes = Object.entries(nodeStatus ?? {}).flatMap(([id, node]) => {
    if (node === undefined) return [];
    const { phase, lastError, message } = node;
    // What a node waits for, also before it is applied.
    const readyDetails = node.readyDetails ?? message;
    const details = {
      ...(lastError === undefined ? {} : { lastError }),
      ...(readyDetails === undefined ? {} : { readyDetails }),
    };
    return [[id, { phase, ...details }] as const];
  });
  const readyCount = nodes.filter(([, { phase }]) => phase === 'Ready').length;
  return {
    ...(nodeStatus === undefined
      ? {}
      : { nodes: Object.fromEntries(nodes), readyNodes: `${readyCount}/${nodes.length}` }),
    ...(blockedBy === undefined ? {} : { blockedBy }),
  };
}
