import { posix } from "node:path";
import {
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isStringLiteral,
  SyntaxKind,
} from "typescript/unstable/ast";
import { doorOf, ROOMS, roomOf, ROOMS_FOLDER, type Room } from "../rooms.ts";
import { type Finding, lineAt } from "./finding.ts";
import { type Node, type SourceFile, walk } from "./syntax.ts";

/** Holds every import of a file, types and dynamic imports included, to the table of rooms. */
export function readImportFindings(path: string, file: SourceFile): readonly Finding[] {
  const findings: Finding[] = [];
  walk(file, (node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return;
    const broken = checkSpecifier(path, specifier);
    if (broken !== undefined) findings.push({ ...broken, path, line: lineAt(file.text, node.getStart(file)) });
  });
  return findings;
}

/** Where a program reads its own version; tools/build.ts points it at the published package.json. */
const OWN_PACKAGE = posix.normalize(`${ROOMS_FOLDER}/../package.json`);

type Broken = { readonly rule: string; readonly message: string };

function specifierOf(node: Node): string | undefined {
  if (isImportDeclaration(node)) return textOf(node.moduleSpecifier);
  if (isExportDeclaration(node)) return textOf(node.moduleSpecifier);
  if (isImportTypeNode(node)) return isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : undefined;
  if (!isCallExpression(node)) return undefined;
  const callee = node.expression;
  const imports = callee.kind === SyntaxKind.ImportKeyword || callee.getText() === "require";
  return imports ? textOf(node.arguments[0]) : undefined;
}

function textOf(node: Node | undefined): string | undefined {
  return node !== undefined && isStringLiteral(node) ? node.text : undefined;
}

function checkSpecifier(path: string, specifier: string): Broken | undefined {
  const room = roomOf(path);
  if (specifier.startsWith(".")) return checkRelative(path, room, specifier);
  if (specifier.startsWith("#")) return checkDoor(path, room, specifier.slice(1));
  if (room === undefined || isTest(path)) return undefined;
  if (specifier.startsWith("node:")) return checkPower(room, specifier.slice("node:".length));
  if (room.packages.includes(packageOf(specifier))) return undefined;
  return { rule: "package-not-granted", message: `room ${room.name} may not import the package \`${specifier}\`` };
}

function checkRelative(path: string, room: Room | undefined, specifier: string): Broken | undefined {
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  const targetRoom = roomOf(target);
  if (room !== undefined) {
    if (targetRoom === room || target === OWN_PACKAGE) return undefined;
    return { rule: "relative-leaves-room", message: `\`${specifier}\` leaves the room ${room.name}; other rooms are \`#room\`` };
  }
  if (targetRoom === undefined || path.startsWith(`${ROOMS_FOLDER}/`) || target === doorOf(targetRoom)) return undefined;
  return { rule: "behind-the-door", message: `\`${specifier}\` reaches behind the door of room ${targetRoom.name}` };
}

/** A test may open any room, because it hands in what the law only names; but it too comes through the door. */
function checkDoor(path: string, room: Room | undefined, name: string): Broken | undefined {
  if (!ROOMS.some((other) => other.name === name)) {
    return { rule: "behind-the-door", message: `\`#${name}\` is no door of the table in tools/rooms.ts` };
  }
  if (room === undefined || isTest(path) || room.opens.includes(name)) return undefined;
  const what = room.name === name ? `room ${name} imports its own door` : `room ${room.name} may not open ${name}`;
  return { rule: "import-not-allowed", message: what };
}

function checkPower(room: Room, module: string): Broken | undefined {
  if (room.powers.includes(module)) return undefined;
  const why = room.pure ? "is pure" : "does not hold that power";
  return { rule: "power-not-granted", message: `room ${room.name} ${why} and may not import \`node:${module}\`` };
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}
