/** Files of a module: text by slash-separated path relative to the module's root. */
export type CueTree = Readonly<Record<string, string>>;

/**
 * Supplies the tree of a published module version, such as `example.com/lib@v0` in `v0.3.1`.
 * A rejection rejects the evaluation that asked. Asked once per module and version.
 */
export type DependencyLoader = (path: string, version: string, signal: AbortSignal) => Promise<CueTree>;

/** A main module and everything that its imports may resolve to. */
export interface CueModule {
  /** Names this exact content: two modules with the same id are taken for equal. A digest is a good id. */
  readonly id: string;
  /** The module's tree. Without `cue.mod/module.cue` it is a module that nothing else can import. */
  readonly files: CueTree;
  /**
   * Trees with a `cue.mod/module.cue` each, whose packages always resolve, with or without a major
   * version in the import, whatever the module itself declares.
   */
  readonly builtins?: readonly CueTree[];
  /** Supplies what `cue.mod/module.cue` declares in `deps`, and what those need in turn. */
  readonly dependencies?: DependencyLoader;
}

/** What an opened module says about itself. */
export interface CueModuleInfo {
  /** The module's path with its major version. */
  readonly path: string;
  /** The language version that it declares. */
  readonly languageVersion?: string;
}
