/**
 * Whether a URL with this host means exactly it. Names whose last part is a number are read as addresses by some, in other
 * numbers than were written (`0x7f.1`), and can't be read by others: no two places would agree on who is meant.
 */
export function isUrlHost(name: string): boolean {
  const text = `https://${name}/`;
  return URL.canParse(text) && new URL(text).hostname === name;
}
