import { CATALOG, COMMON_OPTIONS, type CommandSpec, findCommand, type OptionSpec } from "./catalog.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import type { Terminal } from "./terminal.ts";

/** Lists the commands, or shows the help of one. */
export async function run({ terminal, positionals }: Invocation): Promise<number> {
  if (positionals.length === 0) {
    printOverview(terminal);
    return EXIT.ok;
  }
  const found = findCommand(positionals);
  if (found === undefined) throw usageStop(`there is no command \`${positionals.join(" ")}\``, "see `nightcore help`");
  printHelp(terminal, found.spec);
  return EXIT.ok;
}

function printOverview(terminal: Terminal): void {
  const width = Math.max(...CATALOG.map(({ path }) => path.join(" ").length));
  const lines = CATALOG.map(({ path, summary }) => `  ${path.join(" ").padEnd(width)}  ${summary}`);
  terminal.print(
    [
      "nightcore: runs WebAssembly that is signed, allowed and metered, and keeps a record that others can verify",
      "",
      "Usage: nightcore COMMAND [OPTIONS]",
      "",
      ...lines,
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
