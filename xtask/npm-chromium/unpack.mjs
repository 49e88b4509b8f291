// Unpacks the browser, which the package holds as one Brotli stream: `node unpack.mjs FROM TO`.
// The package's own way would unpack it into the common temporary folder, where somebody else may have put another.

import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const [from, to] = process.argv.slice(2);
await pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to, { flags: "wx", mode: 0o755 }));
