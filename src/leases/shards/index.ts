export { Shards, type ShardsOptions } from './shards.ts';
