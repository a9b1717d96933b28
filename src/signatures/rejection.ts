/** Why one signature does not count, in a few words. Another one may: this never leaves the folder. */
export class RejectedSignature extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'RejectedSignature';
  }
}
