import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build, type BuildOptions, type Plugin } from "esbuild";
import { REPOSITORY } from "./repository.ts";

const PACKAGE = join(REPOSITORY, "packages/nightcore");

/** What a package.json has of interest here. */
type PackageFile = {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly [member: string]: unknown;
};

/** Members that mean something to those who install the package; scripts and development dependencies do not. */
const PUBLISHED = ["name", "version", "description", "license", "author", "repository", "homepage", "bugs", "keywords"];

/** An ES module knows its own address; a CommonJS file knows its path. */
const ADDRESS_IN_COMMONJS: BuildOptions = {
  define: { "import.meta.url": "ownAddress" },
  banner: { js: '"use strict"; const ownAddress = require("node:url").pathToFileURL(__filename).href;' },
};

/**
 * Builds the npm package `nightcore` into a folder: one file of code for each kind of thread or process that there is, the
 * launcher, a package.json, README and LICENSE (docs/decisions/0003-bundle.md). What it depends on is inside, with its license.
 * The folder is emptied first. Throws when a source does not parse or resolve; types are checked by `npm run check`.
 * Resolves with what is missing for publishing.
 */
export async function buildPackage({ folder }: { readonly folder: string }): Promise<readonly string[]> {
  const source = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as PackageFile;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // The names are those that thread-writer.ts and launch.ts look for beside themselves.
  await Promise.all([
    bundle({ ...ADDRESS_IN_COMMONJS, format: "cjs", in: "src/cli/main.ts", out: join(folder, "lib/main.cjs"), source }),
    bundle({ format: "esm", in: "src/store/tiles/writer-thread.ts", out: join(folder, "lib/writer-thread.js"), source }),
    bundle({ format: "cjs", in: "src/engine/v8/sandbox/main.ts", out: join(folder, "lib/sandbox.cjs"), source }),
    bundleLauncher(folder, source),
  ]);
  chmodSync(join(folder, "bin/nightcore.cjs"), 0o755);
  writePackageFile(folder, source);
  return copyDocuments(folder);
}

type Bundle = BuildOptions & { readonly in: string; readonly out: string; readonly source: PackageFile };

async function bundle({ in: entry, out, source, plugins = [], ...options }: Bundle): Promise<void> {
  await build({
    absWorkingDir: PACKAGE,
    entryPoints: [entry],
    outfile: out,
    bundle: true,
    platform: "node",
    target: "node24",
    legalComments: "eof",
    logLevel: "silent",
    plugins: [nameOnly(source), ...plugins],
    ...options,
  });
}

/**
 * The launcher stays a file of its own, in the syntax of old Nodes, to which it has something to say. As CommonJS, because
 * Node then starts without its loader of ES modules.
 */
async function bundleLauncher(folder: string, source: PackageFile): Promise<void> {
  const main: Plugin = {
    name: "main-is-beside",
    setup(on) {
      on.onResolve({ filter: /\/cli\/main\.ts$/ }, () => ({ path: "../lib/main.cjs", external: true }));
    },
  };
  await bundle({
    ...ADDRESS_IN_COMMONJS,
    format: "cjs",
    in: "bin/nightcore.js",
    out: join(folder, "bin/nightcore.cjs"),
    target: "node14",
    supported: { "dynamic-import": false },
    plugins: [main],
    source,
  });
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
