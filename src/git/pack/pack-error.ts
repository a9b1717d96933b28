/** What is wrong with a pack; `isTooLarge`: only that it is over a limit. */
export class PackError extends Error {
  readonly isTooLarge: boolean;

  constructor(message: string, isTooLarge: boolean = false) {
    super(message);
    this.isTooLarge = isTooLarge;
  }
}
