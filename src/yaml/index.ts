export { parseYaml, type YamlDocument, YamlError } from './yaml.ts';
