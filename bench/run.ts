import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { isPromiseName, parsePromiseLine, type PromiseLine } from "../tools/promise.ts";
import { toolEnvironment } from "../tools/repository.ts";

const FOLDER = import.meta.dirname;

/** The benches: every other file of this folder. Each prints one line for each of its promises, or with `--list` their names. */
export function listBenches(): readonly string[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== "run.ts");
  return files.map((file) => basename(file, ".ts")).toSorted();
}

const LIST_TIMEOUT_MS = 60_000; // LIMIT: a bench that does not know `--list` would measure for minutes instead; a busy machine is slow to start one

/** The promises that a bench measures, without measuring. Throws when it does not say. */
export function listPromises(bench: string): readonly string[] {
  const options = { ...toolEnvironment(), encoding: "utf8", timeout: LIST_TIMEOUT_MS, killSignal: "SIGKILL" } as const;
  const run = spawnSync(process.execPath, [join(FOLDER, `${bench}.ts`), "--list"], options);
  const names = run.stdout.split("\n").filter((line) => line !== "");
  const known = run.status === 0 && names.every((name) => isPromiseName(name));
  if (!known) throw new Error(`bench/${bench}.ts --list does not print the names of its promises, one in a line: ${run.stderr}`);
  return names;
}

type Outcome = { readonly lines: readonly PromiseLine[]; readonly problems: readonly string[] };

/** Runs one bench and reads its lines. What it says on stderr is its own progress, and passes through. */
async function runBench(bench: string): Promise<Outcome> {
  const promised = listPromises(bench);
  const child = spawn(process.execPath, [join(FOLDER, `${bench}.ts`)], {
    ...toolEnvironment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: string[] = [];
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (chunk: string) => chunks.push(chunk));
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on("close", resolve);
  const code = await promise;
  const read = chunks
    .join("")
    .split("\n")
    .filter((text) => text.trim() !== "")
    .map((text) => parsePromiseLine(text));
  const lines = read.filter((line) => typeof line !== "string");
  const missing = promised.filter((name) => !lines.some((line) => line.name === name));
  const unlisted = lines.filter((line) => line.promise !== "none" && !promised.includes(line.name));
  const problems = [
    ...read.filter((line) => typeof line === "string"),
    ...(code === 0 ? [] : [`it ended with exit code ${code ?? "none"}`]),
    ...unlisted.map((line) => `it promises \`${line.name}\`, which \`--list\` does not name`),
    ...missing.map((name) => `it printed nothing for its promise \`${name}\``),
  ];
  return { lines, problems: problems.map((problem) => `bench/${bench}.ts: ${problem}`) };
}

const HEADINGS = ["", "promise", "measured", "against", "unit", "ratio", "wanted", "peer"];

/** An aligned table of what was measured, for a terminal. */
export function renderTable(lines: readonly PromiseLine[]): string {
  const rows = lines.map((line) => [
    line.holds ? "ok" : "BROKEN",
    line.name,
    String(Number(line.measured.toPrecision(4))),
    String(Number(line.against.toPrecision(4))),
    line.unit,
    String(Number(line.ratio.toPrecision(3))),
    line.promise,
    line.peer,
  ]);
  const all = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column >= 2 && column <= 3 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return all.map((row) => `${row.map(pad).join("  ").trimEnd()}\n`).join("");
}

async function main(args: readonly string[]): Promise<number> {
  const wanted = args.filter((arg) => arg !== "--json");
  const benches = listBenches();
  const unknown = wanted.filter((name) => !benches.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`there is no bench ${unknown.join(", ")}; there are: ${benches.join(", ")}\n`);
    return 2;
  }
  const lines: PromiseLine[] = [];
  const problems: string[] = [];
  // One after the other, because each wants the machine for itself.
  for (const bench of benches.filter((name) => wanted.length === 0 || wanted.includes(name))) {
    process.stderr.write(`${bench} …\n`);
    const outcome = await runBench(bench).catch((error: unknown) => ({ lines: [], problems: [String(error)] }));
    lines.push(...outcome.lines);
    problems.push(...outcome.problems);
    if (args.includes("--json")) for (const line of outcome.lines) process.stdout.write(`${JSON.stringify(line)}\n`);
  }
  if (!args.includes("--json")) process.stdout.write(renderTable(lines));
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  return problems.length === 0 && lines.every((line) => line.holds) ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
