// The floor: the same objects by nothing but server-side applies, their bodies made beforehand and the answers thrown
// away. Nobody can bring the objects into the cluster with less.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Pool } from 'undici';
import type { ControlPlane } from '../../test/control-plane/index.ts';
import { IN_FLIGHT } from './cluster.ts';
import type { PlainObject } from './workload.ts';

const QUERY = '?fieldManager=floor&force=false';
const HEADERS = { accept: 'application/json', 'content-type': 'application/apply-patch+yaml' };

export class Floor {
  readonly #pool: Pool;

  private constructor(pool: Pool) {
    this.#pool = pool;
  }

  static async open(cluster: ControlPlane): Promise<Floor> {
    const pki = join(cluster.directory, 'pki');
    const [ca = '', cert = '', key = ''] = await Promise.all(
      [cluster.caFile, join(pki, 'admin.crt'), join(pki, 'admin.key')].map((path) => readFile(path, 'utf8')),
    );
    return new Floor(new Pool(cluster.url, { connections: IN_FLIGHT, connect: { ca, cert, key } }));
  }

  /** Applies the objects, so many at a time. */
  async apply(objects: readonly PlainObject[], concurrency: number = IN_FLIGHT): Promise<void> {
    const requests = objects.map(({ path, object }) => ({
      path: `${path}${QUERY}`,
      body: JSON.stringify(object),
    }));
    let next = 0;
    const work = async (): Promise<void> => {
      for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
        const { statusCode, body } = await this.#pool.request({
          method: 'PATCH',
          headers: HEADERS,
          ...request,
        });
        if (statusCode !== 201) throw new Error(`apply answered ${statusCode}: ${await body.text()}`);
        await body.dump();
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}
