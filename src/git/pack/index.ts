export { type UnpackAnswer, type UnpackQuestion, unpack } from './unpack.ts';
