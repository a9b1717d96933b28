const MAX_LENGTH = 255;
/** Control characters, and what git keeps for its own notation. */
const FORBIDDEN = /[\p{Cc} ~^:?*[\\]/u;

/** Why git would not take a name for a branch or tag, as `git check-ref-format --allow-onelevel` says; else undefined. */
export function invalidRefName(name: string): string | undefined {
  if (name === '') return 'its ref is empty';
  const shown = `ref ${JSON.stringify(name.slice(0, 64))}`;
  if (name.length > MAX_LENGTH) return `${shown} is longer than ${MAX_LENGTH} characters`;
  if (name.startsWith('-')) return `${shown} starts with a dash`;
  if (FORBIDDEN.test(name)) return `${shown} holds a character that no ref may have`;
  if (name === '@' || name.includes('@{') || name.includes('..') || name.endsWith('.')) {
    return `${shown} is no name that git takes for a ref`;
  }
  const isPart = (part: string): boolean => part !== '' && !part.startsWith('.') && !part.endsWith('.lock');
  return name.split('/').every(isPart) ? undefined : `${shown} is no name that git takes for a ref`;
}
