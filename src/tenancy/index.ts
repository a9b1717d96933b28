export { describeMissing, type MissingRight, type RightsNeed } from './rights.ts';
export type { Verb } from './rules.ts';
export { SERVICE_ACCOUNT_MISSING, Tenancy, type TenancyOptions } from './tenancy.ts';
