/** Paths relative to the repository, with `/`, and the text of each file. */
export type SourceTree = ReadonlyMap<string, string>;

/** One place where the tree breaks one rule. `line` counts from 1; 0 stands for the file as a whole. */
export type Finding = { readonly rule: string; readonly path: string; readonly line: number; readonly message: string };

/** The line on which a character offset stands, counted from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** `path:line rule: message`, the form that editors turn into links. */
export function encodeFinding(finding: Finding): string {
  return `${finding.path}:${Math.max(finding.line, 1)} ${finding.rule}: ${finding.message}`;
}
