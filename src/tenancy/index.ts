export { describeMissing, type MissingRight, type RightsNeed } from './rights.ts';
export type { Verb } from './rules.ts';
export { Tenancy, type TenancyOptions } from './tenancy.ts';
