/**
 * Runs the WebAssembly specification's own tests twice, plain and rewritten by the meter, and reports every difference: in what
 * is valid, what links, what a call returns, and how it traps. It takes any folder of `wast2json` output, or of `.tar.gz` archives
 * of that. What V8 accepts and the rewriter refuses by name is listed as `refused: feature` and is no difference.
 *
 *     node test/conformance/spec.ts DIR
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { loadEngineParts } from "../../packages/nightcore/src/engine/v8/index.ts";
import { isValid, meteredWorld, plainWorld, readArgument, type SpecValue, type World } from "./spec-world.ts";

const { WebAssembly } = await loadEngineParts();

type Action = {
  readonly type: "invoke" | "get";
  readonly module?: string;
  readonly field: string;
  readonly args?: readonly SpecValue[];
};

type Command = {
  readonly type: string;
  readonly line: number;
  readonly name?: string;
  readonly as?: string;
  readonly module?: string;
  readonly filename?: string;
  readonly module_type?: string;
  readonly action?: Action;
};

export type SpecTally = { readonly passed: number; readonly failed: number; readonly refused: ReadonlyMap<string, number> };

/** Runs every command file under a folder and tells of each difference through `say`, and at the end of how many there were. */
export function compareFolder(folder: string, say: (line: string) => void): SpecTally {
  const unpacked = mkdtempSync(join(tmpdir(), "nightcore-spec-"));
  try {
    const comparison = new Comparison(say);
    for (const root of [folder, ...unpackArchives(folder, unpacked)]) {
      for (const file of listFiles(root, ".json")) comparison.compareFile(file, relative(root, file));
    }
    for (const [feature, count] of comparison.refused) say(`refused: ${feature} (${count} modules)`);
    say(`${comparison.passed} passed, ${comparison.failed} failed`);
    return comparison;
  } finally {
    rmSync(unpacked, { recursive: true, force: true });
  }
}

function listFiles(folder: string, ending: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(ending));
  return names
    .toSorted()
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

function unpackArchives(folder: string, target: string): readonly string[] {
  const archives = listFiles(folder, ".tar.gz");
  for (const archive of archives) execFileSync("tar", ["xzf", archive, "-C", target]);
  return archives.length === 0 ? [] : [target];
}

class Comparison {
  passed = 0;
  failed = 0;
  readonly refused = new Map<string, number>();
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  compareFile(path: string, name: string): void {
    const { commands } = JSON.parse(readFileSync(path, "utf8")) as { readonly commands?: readonly Command[] };
    if (!Array.isArray(commands)) return;
    const worlds = [plainWorld(), meteredWorld()] as const;
    for (const command of commands as readonly Command[]) {
      const outcomes = worlds.map((world) => perform(world, command, dirname(path)));
      const [plain, metered] = outcomes;
      if (plain === undefined || metered === undefined) continue;
      if (metered.startsWith("refused: ") && !plain.startsWith("invalid")) this.#refuse(metered.slice("refused: ".length));
      else if (plain === metered || (metered.startsWith("refused: ") && plain.startsWith("invalid"))) this.passed++;
      else {
        this.failed++;
        this.#say(`DIFFERENT ${name}:${command.line} ${command.type}: plain ${plain}, rewritten ${metered}`);
      }
    }
  }

  #refuse(feature: string): void {
    this.refused.set(feature, (this.refused.get(feature) ?? 0) + 1);
  }
}

/** What a command comes to in a world, in words that can be compared; undefined when it is not a thing to compare. */
function perform(world: World, command: Command, folder: string): string | undefined {
  const { type, filename } = command;
  const bytes = filename?.endsWith(".wasm") === true ? new Uint8Array(readFileSync(join(folder, filename))) : undefined;
  if (type === "module" || type === "assert_unlinkable" || type === "assert_uninstantiable") {
    return bytes === undefined ? undefined : world.load(bytes, type === "module" ? { name: command.name } : undefined);
  }
  if (type === "assert_invalid" || type === "assert_malformed") return bytes === undefined ? undefined : isValid(world, bytes);
  if (type === "register") {
    world.register(command.as ?? "", command.name);
    return undefined;
  }
  return command.action === undefined ? undefined : act(world, command.action);
}

function act(world: World, action: Action): string | undefined {
  const instance = world.find(action.module);
  if (instance === undefined) return undefined;
  const exported = instance.exports[action.field];
  if (action.type === "get") return render((exported as { readonly value: unknown } | undefined)?.value);
  const parameters = (action.args ?? []).map(readArgument);
  if (parameters.includes(undefined)) return undefined; // a v128, which JavaScript cannot hand over
  try {
    instance.refill();
    return render((exported as (...all: readonly unknown[]) => unknown)(...parameters));
  } catch (error) {
    return instance.overflowed() ? STACK_OVERFLOW : renderError(error);
  }
}

const STACK_OVERFLOW = "trap: the stack is used up";

function render(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(render).join(", ")}]`;
  if (typeof value === "function") return "a function";
  return `${typeof value} ${Object.is(value, -0) ? "-0" : String(value)}`;
}

function renderError(error: unknown): string {
  if (error instanceof RangeError && error.message.includes("call stack")) return STACK_OVERFLOW;
  if (error instanceof WebAssembly.RuntimeError) return `trap: ${error.message}`;
  return error instanceof WebAssembly.Exception ? "an exception" : String(error);
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) {
    process.stderr.write("usage: node test/conformance/spec.ts DIR\n");
    process.exitCode = 2;
  } else process.exitCode = compareFolder(folder, (line) => process.stdout.write(`${line}\n`)).failed === 0 ? 0 : 1;
}
