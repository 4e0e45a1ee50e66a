import { doorOf, ROOMS, roomOf, ROOMS_FOLDER, type Room } from "../rooms.ts";
import type { Finding, SourceTree } from "./finding.ts";

const PURE_CONFIG = "tsconfig.pure.json";
const PACKAGE = "packages/nightcore/package.json";

/** Holds the table to itself, and to the two files that repeat parts of it: the pure compilation and the package's doors. */
export function readTableFindings(tree: SourceTree, rooms: readonly Room[] = ROOMS): readonly Finding[] {
  return [
    ...readOrderFindings(rooms),
    ...readPureFindings(tree, rooms),
    ...readDoorMapFindings(tree, rooms),
    ...readStrays(tree),
  ];
}

function readOrderFindings(rooms: readonly Room[]): readonly Finding[] {
  const findings: Finding[] = [];
  const above = new Set<string>();
  const report = (message: string): void => {
    findings.push({ rule: "table-order", path: "tools/rooms.ts", line: 0, message });
  };
  for (const room of rooms) {
    for (const name of room.opens) if (!above.has(name)) report(`room ${room.name} opens ${name}, which does not stand above it`);
    if (room.pure && room.powers.length > 0) report(`room ${room.name} is pure and holds powers`);
    above.add(room.name);
  }
  return findings;
}

function readPureFindings(tree: SourceTree, rooms: readonly Room[]): readonly Finding[] {
  const include = memberOf(tree, PURE_CONFIG, "include");
  const listed = (Array.isArray(include) ? include.filter((glob) => typeof glob === "string") : []).filter(
    (glob) => !glob.endsWith(".d.ts"),
  );
  const wanted = rooms.filter((room) => room.pure).map((room) => `${ROOMS_FOLDER}/${room.name}/**/*.ts`);
  const differences = [
    ...wanted.filter((glob) => !listed.includes(glob)).map((glob) => `\`${glob}\` is a pure room and is not included`),
    ...listed.filter((glob) => !wanted.includes(glob)).map((glob) => `\`${glob}\` is included and is not a pure room`),
  ];
  return differences.map((message) => ({ rule: "pure-compilation", path: PURE_CONFIG, line: 0, message }));
}

function readDoorMapFindings(tree: SourceTree, rooms: readonly Room[]): readonly Finding[] {
  const imports = memberOf(tree, PACKAGE, "imports");
  const listed = typeof imports === "object" && imports !== null ? Object.entries(imports) : [];
  const wanted = rooms
    .filter((room) => room.door === "index.ts")
    .map((room) => [`#${room.name}`, `./src/${room.name}/${room.door}`] as const);
  const has = (entries: readonly (readonly [string, unknown])[], entry: readonly [string, unknown]): boolean =>
    entries.some(([name, target]) => name === entry[0] && target === entry[1]);
  const differences = [
    ...wanted.filter((entry) => !has(listed, entry)).map(([name]) => `\`${name}\` is a door and is not in "imports"`),
    ...listed.filter((entry) => !has(wanted, entry)).map(([name]) => `\`${name}\` is in "imports" and is no door`),
  ];
  return differences.map((message) => ({ rule: "door-map", path: PACKAGE, line: 0, message }));
}

/** Files that stand between the rooms, and rooms without a door. */
function readStrays(tree: SourceTree): readonly Finding[] {
  const findings: Finding[] = [];
  const begun = new Set<Room>();
  for (const path of tree.keys()) {
    if (!path.startsWith(`${ROOMS_FOLDER}/`) || !path.endsWith(".ts") || path.endsWith(".d.ts")) continue;
    const room = roomOf(path);
    if (room === undefined) findings.push({ rule: "no-room", path, line: 0, message: "belongs to no room of tools/rooms.ts" });
    else begun.add(room);
  }
  for (const room of begun) {
    const door = doorOf(room);
    if (!tree.has(door)) findings.push({ rule: "door-missing", path: door, line: 0, message: "this room has no door" });
  }
  return findings;
}

function memberOf(tree: SourceTree, path: string, member: string): unknown {
  const text = tree.get(path);
  if (text === undefined) return undefined;
  const document: unknown = JSON.parse(text);
  return typeof document === "object" && document !== null ? Reflect.get(document, member) : undefined;
}
