export { shardOf } from './hash.ts';
export { shardLeaseName } from './names.ts';
export { Shards, type ShardsOptions } from './shards.ts';
