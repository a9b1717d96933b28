// CustomResourceDefinitions that have changed since the last pass: what the API server refused for the schema of one need not
// wait for its time any longer.

export class SchemaChanges {
  #definitions: string[] = [];

  /** @param definition name of a CustomResourceDefinition, `<plural>.<group>` */
  changed(definition: string): void {
    this.#definitions.push(definition);
  }

  /** Takes what there is: tells of a group whether one of its kinds has changed. */
  take(): (group: string) => boolean {
    const definitions = this.#definitions;
    this.#definitions = [];
    return (group) => group !== '' && definitions.some((name) => name.slice(name.indexOf('.') + 1) === group);
  }
}
