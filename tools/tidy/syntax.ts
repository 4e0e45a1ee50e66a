import { createVirtualFileSystem } from "typescript/unstable/fs";
import { API } from "typescript/unstable/sync";
import type { Node, SourceFile } from "typescript/unstable/ast";
import type { SourceTree } from "./finding.ts";

export type { Node, SourceFile };

const ROOT = "/tidy";

/**
 * Parses TypeScript files with the compiler's own parser and hands each to `visit`, in the order of the tree.
 *
 * KNOWN: TypeScript 7 calls this interface unstable. Its version is pinned, and the planted violations of the tidy test
 * fail when a new version changes the shape of the tree.
 */
export function visitSyntax(tree: SourceTree, visit: (path: string, file: SourceFile) => void): void {
  const paths = [...tree.keys()].filter((path) => path.endsWith(".ts"));
  // Every file is a root and no import is followed: the files are read as text, whatever they need to compile.
  const config = { compilerOptions: { noLib: true, noResolve: true, types: [], noEmit: true }, files: paths };
  const virtual: Record<string, string> = { [`${ROOT}/tsconfig.json`]: JSON.stringify(config) };
  for (const path of paths) virtual[`${ROOT}/${path}`] = tree.get(path) ?? "";
  const api = new API({ cwd: ROOT, fs: createVirtualFileSystem(virtual) });
  try {
    const snapshot = api.updateSnapshot({ openProjects: [`${ROOT}/tsconfig.json`] });
    const [project] = snapshot.getProjects();
    if (project === undefined) throw new Error("bug: the compiler opened no project");
    for (const path of paths) {
      const file = project.program.getSourceFile(`${ROOT}/${path}`);
      if (file === undefined) throw new Error(`bug: the compiler has not read ${path}`);
      visit(path, file);
    }
    snapshot.dispose();
  } finally {
    api.close();
  }
}

/** Visits a node and everything under it, parents first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  node.forEachChild((child) => {
    walk(child, visit);
  });
}
