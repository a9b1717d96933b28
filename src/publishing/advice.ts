// What makes a module that others can depend on: CUE looks for it in the repository that ends in its path, under a tag
// that is its version. A push may do otherwise, for a module that is only rendered; then this is what is said.
import { valid } from 'semver';
import type { OciReference } from '../registry/index.ts';

/** Sentences, for standard error; none where `cue` finds the module by its path. */
export function publishingAdvice(
  moduleFile: string,
  { repository, tag = '' }: OciReference,
): readonly string[] {
  const module = modulePath(moduleFile);
  if (module === undefined)
    return ['cue.mod/module.cue has no line with module: "…", so that nothing can import it'];
  const { path, major } = module;
  const advice: string[] = [];
  if (!`/${repository}`.endsWith(`/${path}`)) {
    advice.push(
      `repository ${repository} does not end in the module's path ${path}, so that nothing can depend on it`,
    );
  }
  if (!isCanonical(tag)) {
    advice.push(`tag ${tag} is no version such as ${major}.1.0, so that nothing can depend on it`);
  } else if (!tag.startsWith(`${major}.`)) {
    advice.push(`tag ${tag} is not of the module's major version ${major}, so that nothing can depend on it`);
  }
  return advice;
}

/** Three numbers behind a `v`, without the metadata that tags can't hold. */
function isCanonical(tag: string): boolean {
  return tag.startsWith('v') && valid(tag) === tag.slice(1);
}

/** By text: the module may be pushed although nothing can read it. */
function modulePath(moduleFile: string): { readonly path: string; readonly major: string } | undefined {
  const [, path, major = 'v0'] = /^\s*module:\s*"([^"@]+)(?:@(v\d+))?"/m.exec(moduleFile) ?? [];
  return path === undefined ? undefined : { path, major };
}
