import { PASSPHRASE_OPTION } from "./key-options.ts";
import { INBOX_COMMANDS } from "./inbox-catalog.ts";
import { LEDGER_COMMANDS } from "./ledger-catalog.ts";
import { POLICY_COMMANDS } from "./policy-catalog.ts";
import { QUARANTINE_COMMANDS } from "./quarantine-catalog.ts";
import { STANDING_COMMANDS } from "./standing-catalog.ts";

/** One option of a command. Those with `value` take one; `many` may be given more than once. */
export type OptionSpec = {
  readonly name: string;
  readonly short?: string;
  readonly value?: string;
  readonly many?: boolean;
  readonly summary: string;
};

/** A command as a person sees it. `load` brings in what it does, so that one command never pays for another. */
export type CommandSpec = {
  readonly path: readonly string[];
  readonly aliases?: readonly (readonly string[])[];
  readonly positional?: string;
  readonly summary: string;
  readonly detail?: string;
  readonly options: readonly OptionSpec[];
  readonly example: string;
  readonly load: () => Promise<{ readonly run: (invocation: import("./invocation.ts").Invocation) => Promise<number> }>;
};

/** Options that every command takes. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { name: "root", value: "DIR", summary: "the workspace (default: the current directory)" },
  { name: "json", summary: "one JSON document on stdout, and nothing else there" },
  { name: "help", short: "h", summary: "this help" },
];

const RUN_OPTIONS: readonly OptionSpec[] = [
  { name: "all", summary: "every tenant under modules/" },
  { name: "backend", value: "NAME", summary: "wasm (default); wasmtime is accepted and means wasm" },
];

/** Every command, in the order in which help lists them. Help, parsing and completions are all made from it. */
export const CATALOG: readonly CommandSpec[] = [
  {
    path: ["init"],
    summary: "make a workspace: configuration, node key, ledger, default policy",
    options: [
      { name: "origin", value: "NAME", summary: "the name of the log (default: nightcore.local/ and random digits)" },
      { name: "ml-dsa-44", summary: "sign published checkpoints with ML-DSA-44 beside Ed25519" },
      {
        name: "continues",
        value: "DIR",
        summary: "a workspace whose log this one follows: its last state stands in the first entry",
      },
    ],
    example: "nightcore init --origin example.com/firewall",
    load: () => import("./init.ts"),
  },
  {
    path: ["run"],
    positional: "[PATH]",
    summary: "verify, decide, execute and record tenants",
    detail:
      "PATH is a module folder inside the workspace, or the name of a tenant under modules/. What the guest prints goes to\nstdout; everything that Night Core says goes to stderr.",
    options: [
      ...RUN_OPTIONS,
      { name: "proof", summary: "verify and decide, record it, and execute nothing" },
      { name: "dry-run", summary: "decide and explain as of now; execute nothing, record nothing" },
      { name: "parallel", value: "N", summary: "guests at once (0: one for each processor)" },
      { name: "entry", value: "NAME", summary: "call this exported function instead of _start" },
      { name: "arg", value: "VALUE", many: true, summary: "a parameter of the entry, or an argument of _start (repeat it)" },
      { name: "env", value: "NAME=VALUE", many: true, summary: "an environment variable of the guest (repeat it)" },
      { name: "stdin", value: "FILE", summary: "what the guest reads, if it has the capability (- for ours, while it runs)" },
      { name: "stream", summary: "show what the guest prints while it runs (always on a terminal)" },
      { name: "allow", value: "CAPABILITY", many: true, summary: "grant more than the manifest asks, within the policy" },
      { name: "observe", summary: "find out what one module needs, and propose the smallest manifest that is enough" },
      { name: "out", value: "FILE", summary: "with --observe: write the proposal there, where no file is yet" },
      { name: "vm-timeout", value: "S", summary: "accepted from v39; only a microVM backend would use it" },
    ],
    example: "nightcore run --all --parallel 2",
    load: () => import("./run.ts"),
  },
  {
    path: ["verify"],
    positional: "[PATH]",
    summary: "verify and decide without executing; exit 4 when a module does not verify",
    options: RUN_OPTIONS,
    example: "nightcore verify modules/hello",
    load: () => import("./verify.ts"),
  },
  {
    path: ["verify-env"],
    summary: "check this machine by doing: run a guest, trip a budget, write and verify a ledger",
    options: [],
    example: "nightcore verify-env",
    load: () => import("./verify-env.ts"),
  },
  {
    path: ["sign"],
    summary: "sign a module together with its manifest",
    options: [
      { name: "dir", value: "DIR", summary: "the module folder" },
      { name: "key", value: "FILE", summary: "an Ed25519 private key: PEM, or base64 of the seed" },
      PASSPHRASE_OPTION,
    ],
    example: "nightcore sign --dir modules/hello --key keys/maintainers/admin1.key",
    load: () => import("./sign.ts"),
  },
  {
    path: ["generate-keys"],
    summary: "make Ed25519 key pairs; never overwrites",
    options: [
      { name: "out-dir", value: "DIR", summary: "where maintainers/NAME.key and NAME.pub go" },
      { name: "name", value: "NAME", many: true, summary: "names of the pairs (default: admin1 and admin2)" },
      { name: "encrypt", summary: "encrypt the private keys with a passphrase (PKCS#8, AES-256)" },
      { name: "passphrase-file", value: "FILE", summary: "where the passphrase stands (or NIGHTCORE_PASSPHRASE)" },
    ],
    example: "nightcore generate-keys --out-dir keys",
    load: () => import("./generate-keys.ts"),
  },
  {
    path: ["trust", "add"],
    positional: "KEY.pub",
    summary: "trust a public key for tenants",
    options: [
      {
        name: "tenant",
        value: "T…",
        many: true,
        summary: "tenants that the key may act for; * for all (repeat it, or list them)",
      },
      { name: "role", value: "R", summary: "signer (default), approver, break-glass, or one of your own like approver:security" },
      { name: "from", value: "TIME", summary: "trusted from then on (2026-01-31 or RFC 3339)" },
      { name: "to", value: "TIME", summary: "trusted until then, that moment excluded" },
      { name: "name", value: "NAME", summary: "what people call it (default: the file's name)" },
      { name: "person", value: "NAME", summary: "who holds it (default: its name); a person with two keys counts once" },
    ],
    example: "nightcore trust add keys/maintainers/admin1.pub --tenant hello --to 2027-01-01",
    load: () => import("./trust-add.ts"),
  },
  {
    path: ["trust", "list"],
    summary: "the trust store: keys, tenants, roles, times, revocations",
    options: [],
    example: "nightcore trust list --json",
    load: () => import("./trust-list.ts"),
  },
  {
    path: ["trust", "revoke"],
    positional: "KEYID",
    summary: "stop trusting a key, for good",
    options: [{ name: "reason", value: "TEXT", summary: "why; it is recorded and shown" }],
    example: 'nightcore trust revoke 6ad10ece --reason "laptop stolen"',
    load: () => import("./trust-revoke.ts"),
  },
  ...QUARANTINE_COMMANDS,
  ...STANDING_COMMANDS,
  {
    path: ["inspect"],
    positional: "[PATH]",
    summary: "show a manifest and what the module itself says; runs and records nothing",
    options: [{ name: "dir", value: "DIR", summary: "the module folder (v39's spelling of PATH)" }],
    example: "nightcore inspect --dir modules/hello",
    load: () => import("./inspect.ts"),
  },
  {
    path: ["export-pubkey-hashes"],
    summary: "one line of JSON for each tenant's pubkey.b64",
    options: [],
    example: "nightcore export-pubkey-hashes",
    load: () => import("./export-pubkey-hashes.ts"),
  },
  {
    path: ["export-dashboard"],
    aliases: [["dashboard"]],
    summary: "write the history as a page: logs/nightcore_history_dashboard.html",
    options: [{ name: "diff", summary: "accepted from v39; the page marks changes either way" }],
    example: "nightcore export-dashboard --diff",
    load: () => import("./export-dashboard.ts"),
  },
  {
    path: ["inspect-state"],
    summary: "the history of one tenant or of all, also written to logs/",
    options: [
      { name: "tenant", value: "T", summary: "one tenant" },
      { name: "all-tenants", summary: "every tenant" },
      { name: "summary", summary: "totals only" },
    ],
    example: "nightcore inspect-state --tenant hello --summary",
    load: () => import("./inspect-state.ts"),
  },
  ...INBOX_COMMANDS,
  ...POLICY_COMMANDS,
  ...LEDGER_COMMANDS,
  {
    path: ["replay"],
    positional: "[RUN]",
    summary: "make a recorded run again and say whether it comes out the same",
    detail:
      "RUN is a run's identifier or at least 8 characters of its beginning. Nothing is recorded unless --record is given. Exit 1\nwhen something differs, 2 when the run cannot be replayed, 5 when bytes that it started from are gone.",
    options: [
      { name: "all", summary: "every run of the log that was executed" },
      { name: "parallel", value: "N", summary: "with --all: guests at once (default 1; 0: one for each processor)" },
      { name: "record", summary: "put what was found into the log, an entry for each replay" },
    ],
    example: "nightcore replay 01999c3e",
    load: () => import("./replay.ts"),
  },
  {
    path: ["retention", "apply"],
    summary: "delete the blobs that the configuration keeps no longer, and record which",
    detail:
      "`[retention]` in nightcore.toml says how many days inputs and outputs are kept. Their digests stay in the log.\nA run whose inputs are gone cannot be replayed.",
    options: [{ name: "dry-run", summary: "say what would go, and change nothing" }],
    example: "nightcore retention apply --dry-run",
    load: () => import("./retention-apply.ts"),
  },
  {
    path: ["output"],
    positional: "RUN",
    summary: "list what a run left in /out, or write it into a new folder",
    options: [{ name: "to", value: "DIR", summary: "make this folder and write the files into it" }],
    example: "nightcore output 01999c3e --to result",
    load: () => import("./output.ts"),
  },
  {
    path: ["state", "rebuild"],
    summary: "throw the projection away and fold it again from the log",
    options: [],
    example: "nightcore state rebuild",
    load: () => import("./state-rebuild.ts"),
  },
  {
    path: ["state", "import"],
    positional: "FILE…",
    summary: "take in v39 reports and histories, marked as imported",
    options: [],
    example: "nightcore state import logs/orchestration_report.json",
    load: () => import("./state-import.ts"),
  },
  {
    path: ["completion"],
    positional: "bash|zsh|fish",
    summary: "print a completion script for a shell",
    options: [],
    example: "source <(nightcore completion bash)",
    load: () => import("./completion.ts"),
  },
  {
    path: ["help"],
    positional: "[COMMAND…]",
    summary: "help for a command",
    options: [],
    example: "nightcore help run",
    load: () => import("./help.ts"),
  },
  {
    path: ["version"],
    summary: "versions of Night Core, Node and V8",
    options: [],
    example: "nightcore version",
    load: () => import("./version.ts"),
  },
];

/** The commands that begin with this word; none when no command does. */
export function commandsUnder(first: string | undefined): readonly CommandSpec[] {
  return CATALOG.filter(({ path }) => path[0] === first);
}

/** Finds the command that the first words name, in either spelling. `words`: how many of them it took. */
export function findCommand(args: readonly string[]): { readonly spec: CommandSpec; readonly words: number } | undefined {
  for (const spec of CATALOG) {
    for (const path of [spec.path, ...(spec.aliases ?? [])]) {
      if (path.every((word, n) => args[n] === word)) return { spec, words: path.length };
    }
  }
  return undefined;
}
