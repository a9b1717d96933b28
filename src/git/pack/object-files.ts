// The objects of a store as isomorphic-git asks for them: as loose objects of a repository on a file system. There is no
// file system: paths are matched, nothing is opened, and whatever else is asked for does not exist.
import { deflateSync } from 'node:zlib';
import type { PromiseFsClient } from 'isomorphic-git';
import type { ObjectStore } from './object-store.ts';

/** Where the repository seems to be. */
export const GIT_FOLDER = '/git' as const;

const LOOSE_OBJECT = /^\/git\/objects\/([0-9a-f]{2})\/([0-9a-f]{38})$/;

export function objectFiles(store: ObjectStore): PromiseFsClient {
  const none = async (path: string): Promise<never> => {
    throw notThere(path);
  };
  const readFile = async (path: string): Promise<Buffer> => {
    const [, first = '', rest = ''] = LOOSE_OBJECT.exec(path) ?? [];
    const object = store.read(first + rest);
    if (object === undefined) throw notThere(path);
    const { type, content } = object;
    return deflateSync(Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]), { level: 0 });
  };
  return {
    promises: {
      readFile,
      stat: none,
      lstat: none,
      readdir: none,
      readlink: none,
      writeFile: none,
      unlink: none,
      mkdir: none,
      rmdir: none,
      symlink: none,
    },
  };
}

function notThere(path: string): Error {
  return Object.assign(new Error(`${path} is not there`), { code: 'ENOENT' });
}
