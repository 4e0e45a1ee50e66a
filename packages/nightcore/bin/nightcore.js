#!/usr/bin/env node
// The launcher is plain JavaScript that any Node can parse, so that an old Node gets a sentence and not a stack trace.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `nightcore needs Node 24 or newer, and this is ${process.versions.node}\n` +
      "hint: `npx nightcore` in the project finds the Node that is pinned there\n",
  );
  process.exit(5);
}
process.exit(0);
