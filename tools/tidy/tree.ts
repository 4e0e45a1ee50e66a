import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SourceTree } from "./finding.ts";

const FILE_BYTES_MAX = 4 * 1024 * 1024; // LIMIT: larger files are data, and are not read for style
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set(["node_modules", "dist", ".git", "demo-workspace"]);

/** Reads every text file that is, or could be, tracked: what git lists, or the whole folder where there is no git. */
export function readTree(root: string): SourceTree {
  const tree = new Map<string, string>();
  const paths = existsSync(join(root, ".git")) ? readGitPaths(root) : readFolderPaths(root, "");
  for (const path of [...paths].toSorted()) {
    const absolute = join(root, path);
    const stat = statSync(absolute, { throwIfNoEntry: false });
    if (stat?.isFile() !== true || stat.size > FILE_BYTES_MAX) continue;
    const text = readFileSync(absolute, "utf8");
    if (!text.includes("\0")) tree.set(path, text);
  }
  return tree;
}

function readGitPaths(root: string): readonly string[] {
  const options = { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 } as const;
  const output = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], options);
  return output.split("\0").filter((path) => path !== "");
}

function readFolderPaths(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : readFolderPaths(root, path);
    return entry.isFile() ? [path] : [];
  });
}
