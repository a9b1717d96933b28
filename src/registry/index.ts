export type { RegistryAccess, RegistryCredentials } from './access.ts';
export type { OciReference } from './reference.ts';
