/** Where an artefact is: `oci://host[:port]/repository`, with a tag, a digest, or neither. */
export interface OciReference {
  /** With the port where there is one; lower case. */
  readonly host: string;
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:<64 hex digits>`. Wins over the tag. */
  readonly digest?: string;
}
