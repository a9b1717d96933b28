// Which paths CUE's tools accept in a published module: those that exist on every file system that people work on. A
// module with another one could be pushed and rendered, but nobody could depend on it.

const ALLOWED_PUNCTUATION = '!#$%&()+,-.=@[]^_{}~ ';
const WINDOWS_NAMES: ReadonlySet<string> = new Set([
  ...['con', 'prn', 'aux', 'nul'],
  ...Array.from({ length: 9 }, (_, index) => [`com${index + 1}`, `lpt${index + 1}`]).flat(),
]);

/** What is wrong with a path, which has no empty parts; undefined for nothing. */
export function fileNameProblem(path: string): string | undefined {
  for (const part of path.split('/')) {
    if (part.endsWith('.')) return `${JSON.stringify(part)} ends in a dot`;
    const [letter] = Array.from(part).filter((each) => !isAllowed(each));
    if (letter !== undefined) return `${JSON.stringify(letter)} can not be in a name`;
    const [stem = ''] = part.split('.');
    if (WINDOWS_NAMES.has(stem.toLowerCase())) return `${JSON.stringify(stem)} is no name on Windows`;
  }
  return undefined;
}

function isAllowed(character: string): boolean {
  if (/[0-9A-Za-z]/.test(character) || ALLOWED_PUNCTUATION.includes(character)) return true;
  return character > '\u007f' && /\p{L}/u.test(character);
}
