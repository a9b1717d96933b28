// Which tag a range of semantic versions means.
import semver from 'semver';
import { messageOf, SourceError } from '../errors.ts';

const MAX_RANGE_LENGTH = 256;
const SHOWN_TAGS = 5;

/**
 * The tag with the highest version in `range`. A tag may begin with `v`; `+` is written `_` in tags. Prereleases count
 * only where the range itself names one. Of two tags of one version the first by text wins, so that the order in which a
 * registry lists them decides nothing.
 * @throws SourceError: `SOURCE_INVALID` where the range is none, `SOURCE_NOT_FOUND` where no tag is in it.
 */
export function highestTag(tags: readonly string[], range: string): string {
  if (range.trim() === '' || range.length > MAX_RANGE_LENGTH || semver.validRange(range) === null) {
    const shown = JSON.stringify(messageOf(range, 64));
    throw new SourceError('SOURCE_INVALID', `semver: ${shown} is no range of semantic versions`, {
      retry: 'never',
    });
  }
  let best: { readonly tag: string; readonly version: string } | undefined;
  for (const tag of tags) {
    const version = versionOf(tag);
    if (version === undefined || !semver.satisfies(version, range)) continue;
    const order = best === undefined ? 1 : semver.compareBuild(version, best.version);
    if (best === undefined || order > 0 || (order === 0 && tag < best.tag)) best = { tag, version };
  }
  if (best !== undefined) return best.tag;
  throw new SourceError('SOURCE_NOT_FOUND', `no tag is in the range ${range}; ${shownTags(tags)}`);
}

function versionOf(tag: string): string | undefined {
  const version = tag.replace(/^v/, '').replace('_', '+');
  return semver.valid(version) === null || !/^\d/.test(version) ? undefined : version;
}

function shownTags(tags: readonly string[]): string {
  if (tags.length === 0) return 'there are none';
  const versions = tags.filter((tag) => versionOf(tag) !== undefined);
  const shown = versions.length === 0 ? tags.slice(-SHOWN_TAGS) : newest(versions);
  return `there are ${tags.length} tags, ${versions.length} of them versions, such as ${shown.join(', ')}`;
}

function newest(versions: readonly string[]): readonly string[] {
  const byVersion = (one: string, other: string): number =>
    semver.rcompare(versionOf(one) ?? '0.0.0', versionOf(other) ?? '0.0.0');
  return [...versions].sort(byVersion).slice(0, SHOWN_TAGS);
}
