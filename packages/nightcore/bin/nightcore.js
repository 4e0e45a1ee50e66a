#!/usr/bin/env node
// The launcher of the repository, which runs the sources; tools/published-launcher.ts is that of the package. It is plain
// JavaScript that any Node can parse, so that an old Node gets a sentence and not a stack trace.
import module from "node:module";
import { fileURLToPath } from "node:url";

const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `error: nightcore needs Node 24 or newer, and this is ${process.versions.node} [cli/old-node]\n` +
      "hint: `npx nightcore` in the project finds the Node that is pinned there\n",
  );
  process.exit(5);
}
// Compiled code is kept beside the sources: whoever can write there can change the sources as well. Node goes on without
// the cache when the folder cannot be written, and writes it out when the process ends, by `process.exit` too.
module.enableCompileCache(fileURLToPath(new URL("../.compile-cache", import.meta.url)));
const { main } = await import("../src/cli/main.ts");
process.exitCode = await main(process.argv.slice(2));
// Everything is closed by now. A natural end would still take the heap apart; only unwritten output is worth waiting for.
if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit();
