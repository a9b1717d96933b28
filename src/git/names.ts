// From the name in a reference to a commit. Names win over commits: only 40 hex digits are a commit without being looked
// up. A branch and a tag of one name are never told apart by guessing.
import { SourceError } from '../errors.ts';
import type { GitRef } from './advert.ts';
import type { GitReference } from './reference.ts';

/** What a reference stands for. */
export interface ResolvedCommit {
  /** 40 hex digits. */
  readonly commit: string;
  /** As people know it: a branch, a tag, or the commit itself. */
  readonly name: string;
}

/** Lists refs by the prefixes of their names; may list others too. */
export type ListRefs = (prefixes: readonly string[]) => Promise<readonly GitRef[]>;

const COMMIT = /^[0-9a-f]{40}$/i;
const SHORT_COMMIT = /^[0-9a-f]{7,39}$/i;
const SHA256_COMMIT = /^[0-9a-f]{64}$/i;
const SHOWN_REFS = 10;

/** The commit that a reference names by itself, without asking anyone. @throws SourceError */
export function statedCommit({ ref, place }: GitReference): string | undefined {
  if (ref === undefined) return undefined;
  if (SHA256_COMMIT.test(ref)) {
    throw new SourceError(
      'SOURCE_INVALID',
      `ref ${ref} of ${place} is a SHA-256 object name: only SHA-1 repositories are read`,
      { retry: 'never' },
    );
  }
  return COMMIT.test(ref) ? ref.toLowerCase() : undefined;
}

/** @throws SourceError */
export async function resolveName(reference: GitReference, list: ListRefs): Promise<ResolvedCommit> {
  const { ref, place } = reference;
  const stated = statedCommit(reference);
  if (stated !== undefined) return { commit: stated, name: stated };
  if (ref === undefined || ref === 'HEAD') return headOf(await list(['HEAD']), place);
  const names = ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref}`];
  const listed = await list(names);
  const found = names.flatMap((name) => listed.find((candidate) => candidate.name === name) ?? []);
  const [first, second] = found;
  if (first !== undefined && second?.name.startsWith('refs/tags/') === true) {
    throw new SourceError(
      'SOURCE_INVALID',
      `${JSON.stringify(ref)} is a branch and a tag of ${place}: say refs/heads/${ref} or refs/tags/${ref}`,
    );
  }
  if (first !== undefined) return { commit: first.peeled ?? first.oid, name: shortName(first.name) };
  const all = await list(['HEAD', 'refs/heads/', 'refs/tags/']);
  return SHORT_COMMIT.test(ref) ? tipWith(ref.toLowerCase(), all, place) : notFound(ref, all, place);
}

function headOf(refs: readonly GitRef[], place: string): ResolvedCommit {
  const head = refs.find(({ name }) => name === 'HEAD');
  if (head === undefined) {
    throw new SourceError('SOURCE_NOT_FOUND', `${place} has no commit that its HEAD names: say ?ref=`);
  }
  return { commit: head.oid, name: head.target === undefined ? 'HEAD' : shortName(head.target) };
}

/** A server lists its refs, not its commits: a short name can only be found among the tips. */
function tipWith(prefix: string, refs: readonly GitRef[], place: string): ResolvedCommit {
  const tips = new Set(refs.map(({ oid, peeled }) => peeled ?? oid).filter((oid) => oid.startsWith(prefix)));
  const [commit, another] = tips;
  if (commit === undefined) {
    throw new SourceError(
      'SOURCE_NOT_FOUND',
      `${place} has no branch or tag ${prefix}, nor one at such a commit: write the full SHA of 40 digits`,
    );
  }
  if (another === undefined) return { commit, name: commit };
  throw new SourceError(
    'SOURCE_INVALID',
    `${prefix} is the start of several commits of ${place}: write the full SHA of 40 digits`,
  );
}

function notFound(ref: string, refs: readonly GitRef[], place: string): never {
  const names = refs.map(({ name }) => name).filter((name) => name !== 'HEAD');
  const shown = names.slice(0, SHOWN_REFS).map((name) => JSON.stringify(shortName(name)).slice(1, -1));
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  const known = shown.length === 0 ? 'it has none' : `it has ${shown.join(', ')}${more}`;
  throw new SourceError('SOURCE_NOT_FOUND', `${place} has no branch or tag ${JSON.stringify(ref)}: ${known}`);
}

function shortName(name: string): string {
  return name.replace(/^refs\/(heads|tags)\//, '');
}
