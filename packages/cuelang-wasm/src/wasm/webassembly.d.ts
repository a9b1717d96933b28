/** The part of the WebAssembly API that is used here; neither Node's types nor ECMAScript's have it. */
declare namespace WebAssembly {
  interface ImportDescriptor {
    readonly module: string;
    readonly name: string;
    readonly kind: string;
  }

  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
    static imports(module: Module): ImportDescriptor[];
  }

  class Memory {
    constructor(limits: { readonly initial: number; readonly maximum?: number });
    readonly buffer: ArrayBuffer;
  }

  type Imports = Record<string, Record<string, (...args: never[]) => unknown>>;

  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: unknown;
  }

  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
}
