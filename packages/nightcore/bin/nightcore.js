#!/usr/bin/env node
// The launcher is plain JavaScript that any Node can parse, so that an old Node gets a sentence and not a stack trace.
import module from "node:module";

const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `error: nightcore needs Node 24 or newer, and this is ${process.versions.node} [cli/old-node]\n` +
      "hint: `npx nightcore` in the project finds the Node that is pinned there\n",
  );
  process.exit(5);
}
// Compiled code is kept beside the sources: whoever can write there can change the sources as well.
module.enableCompileCache(new URL("../.compile-cache", import.meta.url).pathname);
const { main } = await import("../src/cli/main.ts");
process.exitCode = await main(process.argv.slice(2));
