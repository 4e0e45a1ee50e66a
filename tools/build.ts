import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY, toolEnvironment } from "./repository.ts";

const PACKAGE = join(REPOSITORY, "packages/nightcore");

/** What a package.json has of interest here. */
type PackageFile = {
  readonly name: string;
  readonly version: string;
  readonly imports?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
  readonly [member: string]: unknown;
};

/** Members that mean something to those who install the package; scripts and development dependencies do not. */
const PUBLISHED = ["name", "version", "description", "license", "author", "repository", "homepage", "bugs", "keywords", "type"];
const INSTALLED = ["dependencies", "optionalDependencies", "peerDependencies", "engines"];

/**
 * Builds the npm package `nightcore` into a folder: JavaScript and declarations for every room, the launcher, a package.json
 * whose `imports` name the emitted files, README and LICENSE. The folder is emptied first. Throws when TypeScript refuses,
 * and returns what is missing for publishing.
 */
export function buildPackage({ folder }: { readonly folder: string }): readonly string[] {
  rmSync(folder, { recursive: true, force: true });
  const compiled = spawnSync("tsc", ["-p", "tsconfig.build.json", "--outDir", folder], {
    ...toolEnvironment(),
    encoding: "utf8",
  });
  if (compiled.status !== 0) throw new Error(`tsc failed:\n${compiled.stdout}${compiled.stderr}`);
  for (const path of listFiles(folder, ".js")) {
    writeFileSync(path, rewritePaths(readFileSync(path, "utf8")));
  }
  writeLauncher(folder);
  writePackageFile(folder);
  return copyDocuments(folder);
}

/**
 * What TypeScript does not rewrite: worker files that are named by URL, and the package's own package.json, which lies one
 * folder nearer once `src` is gone.
 */
function rewritePaths(source: string): string {
  const nearer = source.replaceAll(/(["'])((?:\.\.\/)+)\.\.\/package\.json\1/g, "$1$2package.json$1");
  return nearer.replaceAll(/(new URL\((["'`])\.{1,2}\/[^"'`\n]+)\.ts(\2,\s*import\.meta\.url\))/g, "$1.js$3");
}

/** In the repository the launcher imports the source, and here what was emitted from it. */
function writeLauncher(folder: string): void {
  const launcher = readFileSync(join(PACKAGE, "bin/nightcore.js"), "utf8");
  const pointed = launcher.replace(/^\/\/ tools\/build\.ts .*\n/m, "").replace('"../src/cli/main.ts"', '"../cli/main.js"');
  if (pointed.includes("src/")) throw new Error("bug: the launcher imports something that build.ts does not know");
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(join(folder, "bin/nightcore.js"), pointed);
  chmodSync(join(folder, "bin/nightcore.js"), 0o755);
}

function writePackageFile(folder: string): void {
  const source = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as PackageFile;
  const kept = (members: readonly string[]): object =>
    Object.fromEntries(members.filter((member) => member in source).map((member) => [member, source[member]]));
  const emitted = {
    ...kept(PUBLISHED),
    bin: { nightcore: "bin/nightcore.js" },
    ...(source.exports === undefined ? {} : { exports: pointToEmitted(source.exports) }),
    ...(source.imports === undefined ? {} : { imports: pointToEmitted(source.imports) }),
    files: readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .toSorted(),
    ...kept(INSTALLED),
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(emitted, null, 2)}\n`);
}

/** `./src/core/index.ts` becomes `./core/index.js`. */
function pointToEmitted(map: Readonly<Record<string, string>>): object {
  const point = (target: string): string => target.replace(/^\.\/src\//, "./").replace(/\.ts$/, ".js");
  return Object.fromEntries(Object.entries(map).map(([name, target]) => [name, point(target)]));
}

function copyDocuments(folder: string): readonly string[] {
  const documents = ["README.md", "LICENSE"];
  const missing = documents.filter((name) => !existsSync(join(REPOSITORY, name)));
  for (const name of documents) if (!missing.includes(name)) cpSync(join(REPOSITORY, name), join(folder, name));
  return missing;
}

function listFiles(folder: string, end: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(end))
    .map((path) => join(folder, path));
}

if (import.meta.main) {
  const missing = buildPackage({ folder: join(PACKAGE, "dist") });
  for (const name of missing) process.stderr.write(`${name} is missing, so the package is not fit to publish\n`);
  process.exitCode = missing.length === 0 ? 0 : 1;
}
