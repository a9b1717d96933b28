// A log of signatures, as Rekor keeps one: it proves that it has an entry, and one that tells the time promises to have it
// from then on.
import { type KeyObject, sign } from 'node:crypto';
import { type KeyPair, newKeys, sha256, spki } from './authority.ts';

const URL = 'https://log.sigstore.test';

/** An entry as bundles have it, in JSON. */
export interface LogEntry {
  readonly logIndex: string;
  readonly logId: { readonly keyId: string };
  readonly kindVersion: { readonly kind: string; readonly version: string };
  readonly integratedTime?: string;
  readonly inclusionPromise?: { readonly signedEntryTimestamp: string };
  readonly inclusionProof: {
    readonly logIndex: string;
    readonly rootHash: string;
    readonly treeSize: string;
    readonly hashes: readonly string[];
    readonly checkpoint: { readonly envelope: string };
  };
  readonly canonicalizedBody: string;
}

export class TransparencyLog {
  readonly url: string = URL;
  /** Whether it tells the time, as logs did at first. */
  readonly isDated: boolean;
  readonly #keys: KeyPair = newKeys();

  constructor(isDated: boolean) {
    this.isDated = isDated;
  }

  get publicKey(): KeyObject {
    return this.#keys.publicKey;
  }

  /** An entry in a tree of two. */
  enter(
    body: { readonly kind: string; readonly apiVersion: string; readonly spec: object },
    at: Date,
  ): LogEntry {
    const canonicalizedBody = Buffer.from(canonical(body));
    const logId = sha256(spki(this.publicKey));
    const integratedTime = Math.floor(at.getTime() / 1000);
    const promised = canonical({
      body: canonicalizedBody.toString('base64'),
      integratedTime,
      logID: logId.toString('hex'),
      logIndex: 1,
    });
    const sibling = sha256(Buffer.from([0]), Buffer.from('the entry before'));
    const leaf = sha256(Buffer.from([0]), canonicalizedBody);
    const root = sha256(Buffer.from([1]), sibling, leaf);
    return {
      logIndex: '1',
      logId: { keyId: logId.toString('base64') },
      kindVersion: { kind: body.kind, version: body.apiVersion },
      ...(this.isDated
        ? {
            integratedTime: String(integratedTime),
            inclusionPromise: { signedEntryTimestamp: this.#sign(promised).toString('base64') },
          }
        : {}),
      inclusionProof: {
        logIndex: '1',
        rootHash: root.toString('base64'),
        treeSize: '2',
        hashes: [sibling.toString('base64')],
        checkpoint: { envelope: this.#checkpoint(root, logId) },
      },
      canonicalizedBody: canonicalizedBody.toString('base64'),
    };
  }

  #checkpoint(root: Buffer, logId: Buffer): string {
    const origin = 'log.sigstore.test';
    // The number of the tree tells logs of this kind from those that tell no time.
    const note = `${origin}${this.isDated ? ' - 1' : ''}\n2\n${root.toString('base64')}\n`;
    const signature = Buffer.concat([logId.subarray(0, 4), this.#sign(note)]).toString('base64');
    return `${note}\n\u2014 ${origin} ${signature}\n`;
  }

  #sign(text: string): Buffer {
    return sign('sha256', Buffer.from(text), this.#keys.privateKey);
  }
}

/** JSON with its keys in order, as the log writes it. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
