import { CATALOG, COMMON_OPTIONS } from "./catalog.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";

/** Completion scripts made from the catalogue, so that they cannot fall behind it. */
export async function run({ terminal, positionals }: Invocation): Promise<number> {
  const script = { bash, zsh, fish }[positionals[0] ?? ""];
  if (script === undefined) throw usageStop("a shell is missing", "one of bash, zsh, fish");
  terminal.print(script());
  return EXIT.ok;
}

type Words = { readonly after: string; readonly words: readonly string[] };

/** What may follow each beginning of a command line. */
function continuations(): readonly Words[] {
  const groups = [...new Set(CATALOG.filter(({ path }) => path.length > 1).map(({ path }) => path[0] ?? ""))];
  return [
    { after: "", words: [...new Set(CATALOG.map(({ path }) => path[0] ?? ""))] },
    ...groups.map((group) => ({
      after: group,
      words: CATALOG.filter(({ path }) => path[0] === group && path.length > 1).map(({ path }) => path[1] ?? ""),
    })),
    ...CATALOG.map(({ path, options }) => ({
      after: path.join(" "),
      words: [...options, ...COMMON_OPTIONS].map(({ name }) => `--${name}`),
    })),
  ];
}

function bash(): string {
  const cases = continuations().map(
    ({ after, words }) => `    ${JSON.stringify(after)}) words=${JSON.stringify(words.join(" "))} ;;`,
  );
  return `# nightcore completion for bash
_nightcore() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="" words="" n
  for ((n = 1; n < COMP_CWORD; n++)); do
    case "\${COMP_WORDS[n]}" in -*) ;; *) [ "\${n}" -le 2 ] && before="\${before:+$before }\${COMP_WORDS[n]}" ;; esac
  done
  case "$before" in
${cases.join("\n")}
    *) case "\${before%% *}" in
${continuations()
  .filter(({ after }) => after !== "" && !after.includes(" "))
  .map(({ after, words }) => `      ${JSON.stringify(after)}) words=${JSON.stringify(words.join(" "))} ;;`)
  .join("\n")}
      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _nightcore nightcore`;
}

function zsh(): string {
  return `#compdef nightcore
# nightcore completion for zsh, through its bash compatibility
autoload -U +X bashcompinit && bashcompinit
${bash()}`;
}

function fish(): string {
  const lines = CATALOG.flatMap(({ path, summary, options }) => {
    const [first = "", second] = path;
    const seen =
      second === undefined
        ? `__fish_seen_subcommand_from ${first}`
        : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    const word =
      second === undefined
        ? `complete -c nightcore -n __fish_use_subcommand -a ${first} -d ${JSON.stringify(summary)}`
        : `complete -c nightcore -n '__fish_seen_subcommand_from ${first}' -a ${second} -d ${JSON.stringify(summary)}`;
    const flags = [...options, ...COMMON_OPTIONS].map(
      (option) =>
        `complete -c nightcore -n '${seen}' -l ${option.name}${option.value === undefined ? "" : " -r"} -d ${JSON.stringify(option.summary)}`,
    );
    return [word, ...flags];
  });
  const groups = [...new Set(CATALOG.filter(({ path }) => path.length > 1).map(({ path }) => path[0] ?? ""))];
  return [
    "# nightcore completion for fish",
    ...groups.map((group) => `complete -c nightcore -n __fish_use_subcommand -a ${group}`),
    ...lines,
  ].join("\n");
}
