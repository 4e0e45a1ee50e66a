import { CATALOG, commandsUnder, COMMON_OPTIONS, type CommandSpec, findCommand, type OptionSpec } from "./catalog.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import type { Terminal } from "./terminal.ts";

/** Lists the commands, all or those that begin with a word, or shows the help of one. */
export async function run({ terminal, positionals }: Invocation): Promise<number> {
  if (positionals.length === 0) {
    printOverview(terminal);
    return EXIT.ok;
  }
  const found = findCommand(positionals);
  const group = positionals.length === 1 ? commandsUnder(positionals[0]) : [];
  if (found !== undefined) printHelp(terminal, found.spec);
  else if (group.length > 0) printGroup(terminal, group);
  else throw usageStop(`there is no command \`${positionals.join(" ")}\``, "see `nightcore help`");
  return EXIT.ok;
}

function listCommands(specs: readonly CommandSpec[]): readonly string[] {
  const width = Math.max(...specs.map(({ path }) => path.join(" ").length));
  return specs.map(({ path, summary }) => `  ${path.join(" ").padEnd(width)}  ${summary}`);
}

/** The commands that begin with one word. */
function printGroup(terminal: Terminal, specs: readonly CommandSpec[]): void {
  const first = specs[0]?.path[0] ?? "";
  terminal.print(
    [
      `Usage: nightcore ${first} COMMAND [OPTIONS]`,
      "",
      ...listCommands(specs),
      "",
      `\`nightcore help ${specs[0]?.path.join(" ") ?? ""}\` and the like say more.`,
    ].join("\n"),
  );
}

function printOverview(terminal: Terminal): void {
  terminal.print(
    [
      "nightcore: runs WebAssembly that is signed, allowed and metered, and keeps a record that others can verify",
      "",
      "Usage: nightcore COMMAND [OPTIONS]",
      "",
      ...listCommands(CATALOG),
      "",
      "Every command takes --root DIR, --json and --help; paths are relative to the workspace.",
      "Exit codes: 0 all ran and succeeded, 1 a run failed, 2 usage, 3 denied or held, 4 verification failed,",
      "5 the environment is broken. When several apply, the greatest.",
    ].join("\n"),
  );
}

/** The help of one command: usage, options, an example. */
export function printHelp(terminal: Terminal, spec: CommandSpec): void {
  const { path, positional, summary, detail, options, example } = spec;
  const all = [...options, ...COMMON_OPTIONS];
  const width = Math.max(...all.map((option) => labelOf(option).length));
  const usage = ["nightcore", ...path, ...(positional === undefined ? [] : [positional]), "[OPTIONS]"].join(" ");
  terminal.print(
    [
      summary,
      ...(detail === undefined ? [] : ["", detail]),
      "",
      `Usage: ${usage}`,
      "",
      ...all.map((option) => `  ${labelOf(option).padEnd(width)}  ${option.summary}`),
      "",
      `Example: ${example}`,
    ].join("\n"),
  );
}

function labelOf({ name, short, value }: OptionSpec): string {
  const letter = short === undefined ? "" : `-${short}, `;
  return `${letter}--${name}${value === undefined ? "" : ` ${value}`}`;
}
