import type { CommandSpec, OptionSpec } from "./catalog.ts";
import { PASSPHRASE_OPTION } from "./key-options.ts";

const COMMENT: OptionSpec = { name: "comment", value: "TEXT", summary: "what changes and why; it is recorded and shown" };
const PROPOSER: readonly OptionSpec[] = [
  { name: "key", value: "FILE", summary: "sign the proposal with this key; its holder cannot approve it then" },
  PASSPHRASE_OPTION,
];
const UNAPPROVED: OptionSpec = {
  name: "unapproved",
  summary: "without an approval, while the trust store knows nobody who could give one; recorded as that",
};

/** The commands about policies: what is in force, how it changes, and what a change would do. */
export const POLICY_COMMANDS: readonly CommandSpec[] = [
  {
    path: ["explain"],
    positional: "RUN|DIGEST|INDEX",
    summary:
      "why something was decided so: policies, facts, risk, how near it was, and the smallest change that would be allowed",
    options: [],
    example: "nightcore explain 0198c4de",
    load: () => import("./explain.ts"),
  },
  {
    path: ["policy", "show"],
    positional: "[N]",
    summary: "print the policies in force, or those of version N",
    options: [],
    example: "nightcore policy show",
    load: () => import("./policy-show.ts"),
  },
  {
    path: ["policy", "schema"],
    summary: "print the Cedar schema: everything that a policy can speak of",
    options: [],
    example: "nightcore policy schema > nightcore.cedarschema",
    load: () => import("./policy-schema.ts"),
  },
  {
    path: ["policy", "check"],
    positional: "[PATH]",
    summary: "check policy files and list every problem; PATH is a file or a folder (default: policies/)",
    options: [],
    example: "nightcore policy check",
    load: () => import("./policy-check.ts"),
  },
  {
    path: ["policy", "diff"],
    positional: "[N [M]]",
    summary: "what differs between policies/ and the version in force, or N, or between N and M",
    options: [],
    example: "nightcore policy diff",
    load: () => import("./policy-diff.ts"),
  },
  {
    path: ["policy", "propose"],
    summary: "record policies/ as a new version that is not in force yet, with its difference and its effect on history",
    options: [COMMENT, ...PROPOSER],
    example: 'nightcore policy propose --comment "agents may use 2 s"',
    load: () => import("./policy-propose.ts"),
  },
  ...(["approve", "reject"] as const).map((word) => ({
    path: ["policy", word],
    positional: "N",
    summary: `${word} a proposed version with a key of one's own; recorded, and weighed when it is put in force`,
    options: [COMMENT, { name: "key", value: "FILE", summary: "the person's private key" }, PASSPHRASE_OPTION],
    example: `nightcore policy ${word} 4 --key keys/maintainers/carol.key --comment "as discussed"`,
    load: () => import("./policy-approve.ts"),
  })),
  {
    path: ["policy", "activate"],
    positional: "[N]",
    summary: "put version N in force, once enough people have approved it; without N: propose policies/, and put it in force",
    options: [COMMENT, ...PROPOSER, UNAPPROVED],
    example: 'nightcore policy activate 4 --comment "as agreed"',
    load: () => import("./policy-activate.ts"),
  },
  {
    path: ["policy", "rollback"],
    positional: "N",
    summary: "propose the content of version N again, as a new version",
    options: [COMMENT, ...PROPOSER],
    example: 'nightcore policy rollback 3 --comment "4 holds too much"',
    load: () => import("./policy-rollback.ts"),
  },
  {
    path: ["policy", "simulate"],
    summary: "decide the history again under other policies, and list every decision that would have been another one",
    detail:
      "A candidate is a folder of policy files, one file that replaces its namesake in force, or the number of a version. Without\none, every decision is made again under the version that it was made under: it must come out the same.",
    options: [
      { name: "candidate", value: "PATH|N", summary: "the policies to decide under" },
      { name: "since", value: "TIME", summary: "decisions not before (2026-01-31, RFC 3339, or 30d for thirty days ago)" },
    ],
    example: "nightcore policy simulate --candidate policies --since 30d",
    load: () => import("./policy-simulate.ts"),
  },
  {
    path: ["policy", "shadow"],
    positional: "[N|off]",
    summary: "let version N decide beside the one in force and record where they differ; without a word: what differed so far",
    options: [COMMENT],
    example: 'nightcore policy shadow 5 --comment "before we tighten"',
    load: () => import("./policy-shadow.ts"),
  },
  {
    path: ["policy", "history"],
    summary: "every version: who proposed, who approved or rejected it, when it was in force",
    options: [],
    example: "nightcore policy history",
    load: () => import("./policy-history.ts"),
  },
];
