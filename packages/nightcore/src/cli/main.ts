/**
 * The command line: finds the command, hands every power to the rooms that need one, and turns faults into exit codes.
 *
 * This is the one place where everything is joined, and the one that catches a bug: it ends as a failure, and never as an
 * allow. It must never decide anything itself, print a secret, or write foreign text to a terminal unescaped. The spellings
 * of Night Core v39 keep working; exit codes are in docs/formats/exit-codes.md.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { escapeControls, quote } from "#core";
import { CATALOG, commandsUnder, COMMON_OPTIONS, type CommandSpec, findCommand } from "./catalog.ts";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { Terminal } from "./terminal.ts";
import { stopOf } from "./unwrap.ts";

export { CATALOG } from "./catalog.ts";

/** Runs one command line and returns its exit code. The one place that catches: a bug ends here, as a failure. */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader that goes away (`| head`) is no bug and leaves nothing to say to anybody.
  process.stdout.on("error", (error) =>
    process.exit("code" in error && error.code === "EPIPE" ? EXIT.environment : EXIT.runFailed),
  );
  const terminal = new Terminal();
  const json = argv.includes("--json");
  try {
    return await dispatch(normalise(argv), terminal);
  } catch (error) {
    return report(await explainDamage(error), terminal, json);
  }
}

/** What a reader of the log came upon on its way is no bug: the log was damaged after it was opened, or pruned. */
async function explainDamage(thrown: unknown): Promise<unknown> {
  if (thrown instanceof CommandStop) return thrown;
  const { LedgerDamage } = await import("#store/tiles");
  const { explainLedgerFault } = await import("#ports");
  return thrown instanceof LedgerDamage ? stopOf(thrown.fault, explainLedgerFault) : thrown;
}

/** Older spellings: `worker run --dir D` (v37) is `run D`; `-h` and `--version` stand for commands. */
function normalise(argv: readonly string[]): readonly string[] {
  const args = argv[0] === "worker" ? argv.slice(1) : argv;
  if (args[0] === undefined || args[0] === "--help" || args[0] === "-h") return ["help"];
  if (args[0] === "--version" || args[0] === "-V") return ["version"];
  if ((args[0] === "run" || args[0] === "verify") && args[1] === "--dir") return [args[0], ...args.slice(2)];
  return args;
}

async function dispatch(args: readonly string[], terminal: Terminal): Promise<number> {
  const found = findCommand(args);
  if (found === undefined) {
    const [first, ...rest] = args;
    const asksForGroup = rest.some((word) => word === "--help" || word === "-h") && commandsUnder(first).length > 0;
    if (first === undefined || !asksForGroup) throw unknownCommand(args);
    return dispatch(["help", first], terminal);
  }
  const { spec, words } = found;
  const invocation = parse(spec, args.slice(words), terminal);
  if (invocation === "help") {
    const { printHelp } = await import("./help.ts");
    printHelp(terminal, spec);
    return EXIT.ok;
  }
  const command = await spec.load();
  return command.run(invocation);
}

function unknownCommand(args: readonly string[]): CommandStop {
  const first = args[0] ?? "";
  const group = commandsUnder(first).map(({ path }) => path.join(" "));
  const second = args[1]?.startsWith("-") === false ? args[1] : undefined;
  const what =
    second === undefined ? `${quote(first)} needs one more word` : `there is no command ${quote(`${first} ${second}`)}`;
  if (group.length > 0) return usageStop(what, `one of: ${group.join(", ")}`);
  const close = CATALOG.map(({ path }) => path.join(" ")).filter((name) => isNear(first, name.split(" ")[0] ?? ""));
  const hint = close.length > 0 ? `did you mean ${close.join(", ")}? see \`nightcore help\`` : "see `nightcore help`";
  return usageStop(`there is no command ${quote(first)}`, hint);
}

/** Whether one word is a beginning of the other, or at most two typing errors (added, lost or wrong letters) away. */
function isNear(typed: string, meant: string): boolean {
  if (typed.length >= 3 && meant.startsWith(typed)) return true;
  if (Math.abs(typed.length - meant.length) > 2) return false;
  let row = Array.from({ length: meant.length + 1 }, (_, n) => n);
  for (const [i, letter] of Array.from(typed).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(meant).entries()) {
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return (row.at(-1) ?? Infinity) <= Math.min(2, meant.length - 2);
}

function parse(spec: CommandSpec, args: readonly string[], terminal: Terminal): Invocation | "help" {
  const options = [...spec.options, ...COMMON_OPTIONS];
  const config = Object.fromEntries(
    options.map(({ name, short, value, many }) => [
      name,
      {
        type: value === undefined ? ("boolean" as const) : ("string" as const),
        multiple: many === true,
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options: config, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? error.message.split(".")[0] : String(error);
    throw usageStop(escapeControls(message ?? ""), `see \`nightcore help ${spec.path.join(" ")}\``);
  }
  const { values, positionals } = parsed;
  if (values["help"] === true) return "help";
  if (positionals.length > 0 && spec.positional === undefined) {
    throw usageStop(`${quote(positionals[0] ?? "")} is one word too many`, `see \`nightcore help ${spec.path.join(" ")}\``);
  }
  return {
    command: spec.path,
    positionals,
    root: resolve(typeof values["root"] === "string" ? values["root"] : "."),
    json: values["json"] === true,
    terminal,
    flag: (name) => values[name] === true,
    text: (name) => (typeof values[name] === "string" ? values[name] : undefined),
    texts: (name) => (Array.isArray(values[name]) ? (values[name] as string[]) : []),
  };
}

function report(error: unknown, terminal: Terminal, json: boolean): number {
  const stop = error instanceof CommandStop ? error : bugStop(error);
  if (json) {
    const { code, message, hint } = stop;
    terminal.print(JSON.stringify({ error: { code, message, hint: hint ?? null } }));
  }
  terminal.say(`${terminal.paint("red", "error")}: ${escapeControls(stop.message)} ${terminal.paint("dim", `[${stop.code}]`)}`);
  if (stop.hint !== undefined) terminal.say(`${terminal.paint("blue", "hint")}: ${escapeControls(stop.hint)}`);
  return stop.exit;
}

function bugStop(error: unknown): CommandStop {
  if (process.env["NIGHTCORE_DEBUG"] !== undefined)
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  const system = error instanceof Error && "code" in error ? String(error.code) : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (system === "ENOSPC")
    return new CommandStop({
      code: "cli/disk-full",
      message: "the disk is full",
      hint: "free some space and try again",
      exit: EXIT.environment,
    });
  return new CommandStop({
    code: system === undefined ? "cli/bug" : "cli/system",
    message,
    hint: system === undefined ? "this is a bug; NIGHTCORE_DEBUG=1 shows where" : "nothing was acknowledged that is not recorded",
    exit: EXIT.environment,
  });
}
