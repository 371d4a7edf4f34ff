// Prints, for each file named: bytes raw, gzip and brotli as a static host would send them, and the
// name.

import { readFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

for (const name of process.argv.slice(2)) {
  const raw = readFileSync(name);
  const gzip = gzipSync(raw, { level: 9 });
  const brotli = brotliCompressSync(raw, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
    },
  });
  console.log(`${raw.length} ${gzip.length} ${brotli.length} ${name}`);
}
