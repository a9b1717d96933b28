export { paxEntry, TAR_END, type TarEntry, tarEntry, tarGzipOf, tarOf } from './tar.ts';
export { extraField, type ZipEnding, type ZipEntry, type ZipFields, zip64Records, zipOf } from './zip.ts';
