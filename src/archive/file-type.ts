const TYPE_BITS = 0o170000;

const NAMES: ReadonlyMap<number, string> = new Map([
  [0o100000, 'file'],
  [0o040000, 'folder'],
  [0o120000, 'symbolic link'],
  [0o020000, 'character device'],
  [0o060000, 'block device'],
  [0o010000, 'FIFO'],
  [0o140000, 'socket'],
]);

/** What a mode of Unix says an entry is; undefined where it says nothing. */
export function fileTypeName(mode: number): string | undefined {
  const type = mode & TYPE_BITS;
  return type === 0 ? undefined : (NAMES.get(type) ?? 'file of an unknown type');
}
