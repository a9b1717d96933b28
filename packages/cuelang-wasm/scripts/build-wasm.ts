/**
 * Builds artifact/cue.wasm.br from go/, or with --check rebuilds it and
 * compares. The build gives the same bytes in any folder: the compressed file
 * may differ with the version of brotli, so it is the hash of the uncompressed
 * one that counts.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

const source = new URL('../go/', import.meta.url);
const artifact = new URL('../artifact/', import.meta.url);

function required(text: string, pattern: RegExp, what: string): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`go.mod names no ${what}`);
  return found;
}

function build(toolchain: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'cue-wasm-'));
  try {
    const out = join(folder, 'cue.wasm');
    const flags = ['-trimpath', '-buildvcs=false', '-mod=readonly', '-ldflags=-s -w -buildid='];
    execFileSync('go', ['build', '-buildmode=c-shared', ...flags, '-o', out, './cmd/wasm'], {
      cwd: source,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        GOOS: 'wasip1',
        GOARCH: 'wasm',
        GOTOOLCHAIN: toolchain,
        GOFLAGS: '',
        GOEXPERIMENT: '',
        GOWASM: '',
        GOWORK: 'off',
        CGO_ENABLED: '0',
      },
    });
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const goMod = readFileSync(new URL('go.mod', source), 'utf8');
const toolchain = required(goMod, /^toolchain (\S+)$/m, 'toolchain');
const cue = required(goMod, /cuelang\.org\/go (\S+)/, 'version of cuelang.org/go');
const wasm = build(toolchain);
const description = { sha256: sha256(wasm), cue, go: toolchain };

if (values.check) {
  const recorded = readFileSync(new URL('cue.json', artifact), 'utf8');
  const shipped = sha256(brotliDecompressSync(readFileSync(new URL('cue.wasm.br', artifact))));
  const differs: string[] = [];
  if (shipped !== description.sha256) differs.push(`cue.wasm.br holds ${shipped}`);
  if (recorded !== `${JSON.stringify(description, null, 2)}\n`)
    differs.push(`cue.json says ${recorded.trim()}`);
  if (differs.length > 0) {
    process.stderr.write(
      `go/ builds to ${description.sha256}, but ${differs.join(' and ')}: run npm run build:wasm\n`,
    );
    process.exitCode = 1;
  } else {
    process.stdout.write(`artifact matches go/: ${description.sha256}\n`);
  }
} else {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: wasm.length,
  };
  writeFileSync(new URL('cue.wasm.br', artifact), brotliCompressSync(wasm, { params }));
  writeFileSync(new URL('cue.json', artifact), `${JSON.stringify(description, null, 2)}\n`);
  process.stdout.write(`built ${wasm.length} bytes: ${description.sha256}\n`);
}
