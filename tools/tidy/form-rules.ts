import {
  isArrowFunction,
  isClassDeclaration,
  isConstructorDeclaration,
  isEnumDeclaration,
  isExportAssignment,
  isExportDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isInterfaceDeclaration,
  isMethodDeclaration,
  isModuleDeclaration,
  isTypeAliasDeclaration,
  isVariableStatement,
  SyntaxKind,
} from "typescript/unstable/ast";
import { doorOf, roomOf } from "../rooms.ts";
import { type Finding, lineAt } from "./finding.ts";
import { type Node, type SourceFile, walk } from "./syntax.ts";

const FILE_LINES_MAX = 400; // LIMIT: one sitting; files aim at 60 to 200
const FUNCTION_LINES_MAX = 70; // LIMIT: one screen or two

/** Holds the form of one TypeScript file to the style: what it declares, how long, and whether it says what it promises. */
export function readFormFindings(path: string, file: SourceFile): readonly Finding[] {
  const findings: Finding[] = [];
  const report = (rule: string, node: Node, message: string): void => {
    findings.push({ rule, path, line: lineAt(file.text, node.getStart(file)), message });
  };
  walk(file, (node) => {
    checkDeclaration(node, report);
    checkLength(node, file, path, report);
  });
  for (const statement of file.statements) if (mustBeDocumented(path)) checkDocstring(statement, file, report);
  const lines = lineAt(file.text, file.text.trimEnd().length);
  if (lines > FILE_LINES_MAX) findings.push({ rule: "file-too-long", path, line: 0, message: `${lines} lines, at most 400` });
  return [...findings, ...readDoorFindings(path, file), ...readNameFindings(path)];
}

type Report = (rule: string, node: Node, message: string) => void;

function checkDeclaration(node: Node, report: Report): void {
  if (isEnumDeclaration(node)) report("enum", node, "write a union of string literals");
  if (isInterfaceDeclaration(node)) report("interface", node, "write a `type`");
  if (isModuleDeclaration(node)) report("namespace", node, "files are the namespaces");
  if (isExportAssignment(node)) report("default-export", node, "exports have names");
  if (node.kind === SyntaxKind.DefaultKeyword && node.parent.kind !== SyntaxKind.DefaultClause) {
    report("default-export", node, "exports have names");
  }
  if (isExportDeclaration(node) && (node.exportClause === undefined || node.exportClause.kind === SyntaxKind.NamespaceExport)) {
    report("export-star", node, "name the exports one by one");
  }
}

function checkLength(node: Node, file: SourceFile, path: string, report: Report): void {
  const isFunction =
    isFunctionDeclaration(node) ||
    isMethodDeclaration(node) ||
    isConstructorDeclaration(node) ||
    isArrowFunction(node) ||
    isFunctionExpression(node);
  if (!isFunction) return;
  // A test file wraps its cases in one function per subject; the cases inside are counted each by itself.
  if (path.endsWith(".test.ts") && (isArrowFunction(node) || isFunctionExpression(node)) && holdsFunctions(node)) return;
  const lines = lineAt(file.text, node.end) - lineAt(file.text, node.getStart(file)) + 1;
  if (lines > FUNCTION_LINES_MAX) report("function-too-long", node, `${lines} lines, at most ${FUNCTION_LINES_MAX}`);
}

function holdsFunctions(node: Node): boolean {
  let found = false;
  walk(node, (inner) => {
    if (inner !== node && (isArrowFunction(inner) || isFunctionExpression(inner))) found = true;
  });
  return found;
}

/** Code that others import. Tests, benches and journeys export nothing that lasts. */
function mustBeDocumented(path: string): boolean {
  return /^(?:packages|tools)\//.test(path) && !/\.(?:test|d)\.ts$/.test(path);
}

/**
 * Every exported symbol carries its contract. Three kinds are let off because theirs stands beside them: the union of a
 * room's faults and the `explain` that says each of them in a sentence, `typeof X` types (the docstring is on the constant
 * X), and a limit with its reason behind the number.
 */
function checkDocstring(statement: Node, file: SourceFile, report: Report): void {
  const isDeclaration =
    isFunctionDeclaration(statement) ||
    isClassDeclaration(statement) ||
    isTypeAliasDeclaration(statement) ||
    isVariableStatement(statement);
  if (!isDeclaration || !statement.modifiers?.some((modifier) => modifier.kind === SyntaxKind.ExportKeyword)) return;
  if ((statement.jsDoc?.length ?? 0) > 0) return;
  if (/^[^\n]*\/\/ LIMIT: /.test(file.text.slice(statement.getStart(file)))) return;
  if (isFunctionDeclaration(statement) && /^explain\w*Fault$/.test(statement.name?.text ?? "")) return;
  if (isTypeAliasDeclaration(statement)) {
    if (/Fault(?:Code)?$/.test(statement.name.text)) return;
    if (/\btypeof [A-Z_]+\b/.test(statement.type.getText(file))) return;
  }
  const [first = ""] = statement.getText(file).split("\n");
  report("docstring-missing", statement, `\`${first.slice(0, 70)}\` does not say what it promises`);
}

function readDoorFindings(path: string, file: SourceFile): readonly Finding[] {
  const room = roomOf(path);
  if (room === undefined || path !== doorOf(room)) return [];
  // Node's shebang line may stand in front of the paragraph of an entry.
  const opening = /^(?:#![^\n]*\n)?\s*\/\*\*([\s\S]*?)\*\//.exec(file.text);
  const words = (opening?.[1] ?? "").match(/[A-Za-z]{2,}/g) ?? [];
  if (words.length >= 20) return [];
  const message = "a door opens with a paragraph: what this room decides, what it must never do, which specification it follows";
  return [{ rule: "door-paragraph-missing", path, line: 1, message }];
}

const EMPTY_WORDS: ReadonlySet<string> = new Set(["util", "utils", "helper", "helpers", "common", "manager", "misc", "stuff"]);

/** Checks the name of one file: kebab-case, a noun of the domain. */
export function readNameFindings(path: string): readonly Finding[] {
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/(?:\.test|\.d)?\.ts$/, "");
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name)) {
    return [{ rule: "file-name", path, line: 0, message: "file names are kebab-case nouns" }];
  }
  const empty = name.split("-").find((word) => EMPTY_WORDS.has(word));
  if (empty === undefined) return [];
  return [{ rule: "file-name", path, line: 0, message: `\`${empty}\` names nothing; say what the file holds` }];
}
