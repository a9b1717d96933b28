// What the pages in docs/ show is what the stories apply: the fenced block that follows `<!-- example: <name> -->`.
import { readFile } from 'node:fs/promises';
import type { Space } from './space.ts';

/** The text of an example in a page: `docExample('adoption.md', 'take over a Deployment')`. */
export async function docExample(page: string, name: string): Promise<string> {
  const text = await readFile(`docs/${page}`, 'utf8');
  const start = text.indexOf(`<!-- example: ${name} -->`);
  const block = start < 0 ? null : /\n```[a-z]*\n([\s\S]*?)\n```/.exec(text.slice(start));
  if (block?.[1] === undefined) throw new Error(`docs/${page} has no example "${name}"`);
  return `${block[1]}\n`;
}

/** Applies the manifests of an example with kubectl, in the namespace of the story. */
export async function applyDocExample(space: Space, page: string, name: string): Promise<void> {
  const manifests = await docExample(page, name);
  await space.kubectl(['apply', '--server-side', '-f', '-'], manifests);
}
