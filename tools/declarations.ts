import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { toolEnvironment } from "./repository.ts";
import { doorOf, ROOMS, ROOMS_FOLDER } from "./rooms.ts";

// Those that tsconfig.declarations.json names too.
const TYPED_DOORS = ["engine/library", "verify"] as const;

/**
 * Writes the declarations of the package's doors into a folder, and of what they mention, as the compiler derives them from the
 * sources: one file beside the other, which name each other by relative paths and nothing else. Throws when the compiler
 * refuses the sources, or when a declaration needs a package.
 */
export function writeDeclarations({ folder }: { readonly folder: string }): void {
  const emitted = mkdtempSync(join(tmpdir(), "nightcore-types-"));
  try {
    const args = ["-p", "tsconfig.declarations.json", "--outDir", emitted];
    const { status, stdout, error } = spawnSync("tsc", args, { ...toolEnvironment(), encoding: "utf8" });
    if (status !== 0) throw new Error(`the compiler makes no declarations: ${error?.message ?? stdout}`);
    const waiting = TYPED_DOORS.map((room) => declarationOf(`${ROOMS_FOLDER}/${room}/index.ts`));
    const written = new Set<string>();
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (written.has(path)) continue;
      written.add(path);
      const { text, mentioned } = relativize(path, readFileSync(join(emitted, path), "utf8"));
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
      waiting.push(...mentioned);
    }
  } finally {
    rmSync(emitted, { recursive: true, force: true });
  }
}

/** Where the declarations of a source file are, below the folder of all of them. */
function declarationOf(path: string): string {
  return relative(ROOMS_FOLDER, path).replace(/\.ts$/, ".d.ts");
}

/** Other files by the paths that a consumer's compiler resolves, whatever it allows: `#room` and `.ts` are ours alone. */
function relativize(path: string, text: string): { readonly text: string; readonly mentioned: readonly string[] } {
  const mentioned: string[] = [];
  const replaced = text.replaceAll(
    /(^(?:import|export) [^;]*?from |\bimport\()"([^"]+)"/gm,
    (_, before: string, name: string) => {
      const target = targetOf(path, name);
      mentioned.push(target);
      const to = relative(dirname(path), target).replace(/\.d\.ts$/, ".js");
      return `${before}"${to.startsWith(".") ? to : `./${to}`}"`;
    },
  );
  return { text: replaced, mentioned };
}

function targetOf(path: string, name: string): string {
  if (name.startsWith(".")) return declarationOf(join(ROOMS_FOLDER, dirname(path), name));
  const room = ROOMS.find((one) => `#${one.name}` === name);
  if (room === undefined) throw new Error(`the declarations in ${path} need ${name}, which is not in the package`);
  return declarationOf(doorOf(room));
}
