import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { build, type BuildOptions, type Plugin } from "esbuild";
import { writeDeclarations } from "./declarations.ts";
import { REPOSITORY } from "./repository.ts";

const PACKAGE = join(REPOSITORY, "packages/nightcore");

const TYPES = "lib/types";

/** What a package.json has of interest here. */
type PackageFile = {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly [member: string]: unknown;
};

/** Members that mean something to those who install the package; scripts and development dependencies do not. */
const PUBLISHED = ["name", "version", "description", "license", "author", "repository", "homepage", "bugs", "keywords"];

/** CommonJS is loaded and cached as one script, without Node's loader of ES modules, which an `import()` would start too. */
const COMMONJS: BuildOptions = { format: "cjs", supported: { "dynamic-import": false } };

/** An ES module knows its own address; a CommonJS file knows its path. */
const OWN_ADDRESS: BuildOptions = {
  define: { "import.meta.url": "ownAddress" },
  banner: { js: '"use strict"; const ownAddress = require("node:url").pathToFileURL(__filename).href;' },
};

/** No module of Node's can get in: esbuild refuses to resolve one for a browser. */
const BROWSER: BuildOptions = { platform: "browser", target: "es2022" };
/** The same as a classic script, which is what a page opened from disk can have inside of it. */
const PAGE: BuildOptions = { format: "iife", globalName: "nightcoreVerify", minify: true, legalComments: "inline" };

/**
 * Builds the npm package `nightcore` into a folder: one file of code for each kind of thread or process that there is, the
 * launcher, one for each door, the doors' types, a package.json, README and LICENSE (docs/decisions/0003-bundle.md). What it
 * depends on is inside, with its license. The folder is emptied first. Throws when a source does not parse, resolve or compile.
 * Resolves with what is missing for publishing.
 */
export async function buildPackage({ folder }: { readonly folder: string }): Promise<readonly string[]> {
  const source = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as PackageFile;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // The names are those that thread-writer.ts and launch.ts look for beside themselves.
  await Promise.all([
    bundle({ ...COMMONJS, ...OWN_ADDRESS, in: "src/cli/main.ts", out: join(folder, "lib/main.cjs"), source }),
    bundle({ format: "esm", in: "src/store/tiles/writer-thread.ts", out: join(folder, "lib/writer-thread.js"), source }),
    bundle({ ...COMMONJS, in: "src/engine/v8/sandbox/main.ts", out: join(folder, "lib/sandbox.cjs"), source }),
    bundle({ format: "esm", in: "src/engine/library/index.ts", out: join(folder, "lib/engine.js"), source }),
    bundle({ ...BROWSER, format: "esm", in: "src/verify/index.ts", out: join(folder, "lib/verify.js"), source }),
    bundle({ ...BROWSER, ...PAGE, in: "src/verify/index.ts", out: join(folder, "lib/verify-page.js"), source }),
  ]);
  escapeToAscii(join(folder, "lib/main.cjs"));
  copyCedar(folder);
  writeDeclarations({ folder: join(folder, TYPES) });
  await bundleLauncher(folder, source);
  writePackageFile(folder, source);
  return copyDocuments(folder);
}

type Bundle = BuildOptions & { readonly in: string; readonly out: string; readonly source: PackageFile };

async function bundle({ in: entry, out, source, ...options }: Bundle): Promise<void> {
  await build({
    absWorkingDir: PACKAGE,
    entryPoints: [entry],
    outfile: out,
    bundle: true,
    platform: "node",
    target: "node24",
    legalComments: "eof",
    logLevel: "silent",
    plugins: [nameOnly(source)],
    ...options,
  });
}

/**
 * The launcher is a file of its own, in the syntax of old Nodes, to which it has something to say. It knows the digest of the
 * code that it starts, because what was compiled from other code must not be taken for it.
 */
async function bundleLauncher(folder: string, source: PackageFile): Promise<void> {
  const digest = createHash("sha256")
    .update(readFileSync(join(folder, "lib/main.cjs")))
    .digest("hex");
  const out = join(folder, "bin/nightcore.cjs");
  await bundle({
    ...COMMONJS,
    in: join(import.meta.dirname, "published-launcher.ts"),
    out,
    target: "node14",
    define: { BUILD: JSON.stringify(digest.slice(0, 16)) },
    banner: { js: "#!/usr/bin/env node" },
    source,
  });
  chmodSync(out, 0o755);
}

/** esbuild escapes what is not ASCII in texts, and leaves it in templates and regular expressions. One byte for each character. */
function escapeToAscii(path: string): void {
  const text = readFileSync(path, "utf8");
  const escape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // eslint-disable-next-line no-control-regex
  writeFileSync(path, text.replaceAll(/[^\0-\x7f]/g, escape));
}

/** Cedar's code is WebAssembly, which `cedar/library.ts` looks for beside itself. */
function copyCedar(folder: string): void {
  const entry = createRequire(join(PACKAGE, "package.json")).resolve("@cedar-policy/cedar-wasm/nodejs");
  cpSync(join(dirname(entry), "../web/cedar_wasm_bg.wasm"), join(folder, "lib/cedar_wasm_bg.wasm"));
}

/** The code asks its package.json for name and version; the rest of it is about the repository. */
function nameOnly({ name, version }: PackageFile): Plugin {
  return {
    name: "name-only",
    setup(on) {
      on.onLoad({ filter: /[\\/]nightcore[\\/]package\.json$/ }, () => ({
        contents: JSON.stringify({ name, version }),
        loader: "json",
      }));
    },
  };
}

function writePackageFile(folder: string, source: PackageFile): void {
  const kept = (members: readonly string[]): object =>
    Object.fromEntries(members.filter((member) => member in source).map((member) => [member, source[member]]));
  const emitted = {
    ...kept(PUBLISHED),
    type: "module",
    bin: { [source.name]: "bin/nightcore.cjs" },
    exports: {
      "./engine": { types: `./${TYPES}/engine/library/index.d.ts`, default: "./lib/engine.js" },
      "./verify": { types: `./${TYPES}/verify/index.d.ts`, default: "./lib/verify.js" },
      "./package.json": "./package.json",
    },
    files: readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .toSorted(),
    ...kept(["engines"]),
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(emitted, null, 2)}\n`);
}

function copyDocuments(folder: string): readonly string[] {
  const documents = ["README.md", "LICENSE"].map((name) => join(REPOSITORY, name));
  for (const path of documents.filter((one) => existsSync(one))) cpSync(path, join(folder, basename(path)));
  return documents.filter((path) => !existsSync(path)).map((path) => basename(path));
}

if (import.meta.main) {
  const missing = await buildPackage({ folder: join(PACKAGE, "dist") });
  for (const name of missing) process.stderr.write(`${name} is missing, so the package is not fit to publish\n`);
  process.exitCode = missing.length === 0 ? 0 : 1;
}
