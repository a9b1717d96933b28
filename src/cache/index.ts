export { Breakers, type BreakersOptions, type Place } from './breakers.ts';
export {
  ByteCache,
  type ByteCacheOptions,
  DEFAULT_CACHE_MAX_BYTES,
  DEFAULT_CACHE_TTL_MS,
  type Wanted,
} from './byte-cache.ts';
export type { Load } from './flight.ts';
export { Grants, type GrantsOptions } from './grants.ts';
export {
  type Question,
  type SharedAnswer,
  SharedAnswers,
  type SharedAnswersOptions,
} from './shared-answers.ts';
