import { encodeFinding, type Finding, type SourceTree } from "./tidy/finding.ts";
import { readFormFindings } from "./tidy/form-rules.ts";
import { readImportFindings } from "./tidy/import-rules.ts";
import { visitSyntax } from "./tidy/syntax.ts";
import { readTableFindings } from "./tidy/table-rules.ts";
import { readTextFindings } from "./tidy/text-rules.ts";
import { readTree } from "./tidy/tree.ts";

export type { Finding, SourceTree };

/**
 * Compares a tree with the rules of the house and returns what breaks them, in the order of the paths. It reads; it changes
 * nothing. The rules are the files beside tools/tidy; test/tidy.test.ts carries a planted violation of each.
 */
export function readFindings(tree: SourceTree): readonly Finding[] {
  const findings: Finding[] = [...readTableFindings(tree)];
  for (const [path, text] of tree) findings.push(...readTextFindings(path, text));
  visitSyntax(codeOf(tree), (path, file) => {
    findings.push(...readImportFindings(path, file), ...readFormFindings(path, file));
  });
  return findings.toSorted((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1));
}

/** The TypeScript that Node runs. AssemblyScript under examples/ only looks like it. */
function codeOf(tree: SourceTree): SourceTree {
  return new Map([...tree].filter(([path]) => path.endsWith(".ts") && !path.startsWith("examples/")));
}

if (import.meta.main) {
  const findings = readFindings(readTree(process.cwd()));
  for (const finding of findings) console.log(encodeFinding(finding));
  console.log(findings.length === 0 ? "tidy" : `${findings.length} findings`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
