/**
 * The launcher of the published package (docs/decisions/0003-bundle.md), which tools/build.ts turns into CommonJS that an old
 * Node can parse too, so that it gets a sentence and not a stack trace. It reads `lib/main.cjs` and starts its `main`.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Script } from "node:vm";

/** Digest of lib/main.cjs, put here by the build: V8 itself compares only the length of a source with that of its cache. */
declare const BUILD: string;

type Main = { exports: { main?: (argv: readonly string[]) => Promise<number> } };
type Wrapper = (exports: object, require: NodeJS.Require, module: Main, file: string, folder: string) => void;

if (Number(process.versions.node.split(".")[0]) < 24) {
  process.stderr.write(
    `error: nightcore needs Node 24 or newer, and this is ${process.versions.node} [cli/old-node]\n` +
      "hint: install a newer Node, or put one first in the PATH\n",
  );
  process.exit(5);
}

const file = join(dirname(__dirname), "lib", "main.cjs");
const args = process.argv.slice(2);

// What a command compiled is kept for the next time that it runs: Node's own compile cache holds only what is compiled before
// anything runs. Whoever can write there can change the code as well.
const word = /^[a-z-]{1,24}$/.test(args[0] ?? "") ? args[0] : "other";
const name = `${word}${args.includes("--all") ? "-all" : ""}.bin`; // one run and many go different ways
const kept = join(dirname(__dirname), ".compile-cache", `${process.version}-${process.arch}-${BUILD}`, name);

function readKept(): Buffer | undefined {
  try {
    return readFileSync(kept);
  } catch {
    return undefined;
  }
}

/** Where it cannot be written, the next run compiles again; nobody has to hear of it. */
function keep(compiled: Buffer): void {
  try {
    mkdirSync(dirname(kept), { recursive: true });
    const aside = `${kept}.${process.pid}`;
    writeFileSync(aside, compiled, { flush: true }); // whole on the disk before it has its name
    renameSync(aside, kept);
  } catch {
    // as said
  }
}

const cachedData = readKept();
const source = readFileSync(file, "latin1"); // the build writes ASCII
const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
  filename: file,
  ...(cachedData === undefined ? {} : { cachedData }),
});
const started: Main = { exports: {} };
(script.runInThisContext() as Wrapper)(started.exports, require, started, file, dirname(file));
void started.exports.main?.(args).then((code) => {
  process.exitCode = code;
  // What failed has not gone all the way, and a word that is no command would leave a file behind.
  if ((cachedData === undefined || script.cachedDataRejected === true) && code === 0) keep(script.createCachedData());
  // Everything is closed by now. A natural end would still take the heap apart; only unwritten output is worth waiting for.
  if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit();
});
