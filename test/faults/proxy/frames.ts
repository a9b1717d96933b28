// Lines of a watch, told apart without parsing them: the server writes the type first.

/** One line of a watch, with its newline. */
export interface Frame {
  readonly bytes: Buffer;
  readonly kind: 'event' | 'bookmark' | 'list-end' | 'error';
}

const NEWLINE = 0x0a;
const LONGEST_TYPE = 40;
const LIST_END = '"k8s.io/initial-events-end":"true"';

/** Splits a stream into whole frames, each as soon as it is complete. What is left of a broken one is thrown away. */
export async function* framesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const bytes = Buffer.concat([...rest, chunk.subarray(start, end + 1)]);
      rest = [];
      start = end + 1;
      yield { bytes, kind: kindOf(bytes) };
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
}

function kindOf(bytes: Buffer): Frame['kind'] {
  const head = bytes.subarray(0, LONGEST_TYPE).toString('latin1');
  if (head.includes('"type":"BOOKMARK"')) return bytes.includes(LIST_END) ? 'list-end' : 'bookmark';
  return head.includes('"type":"ERROR"') ? 'error' : 'event';
}
