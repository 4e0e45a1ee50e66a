import type { CommandSpec, OptionSpec } from "./catalog.ts";
import { PASSPHRASE_OPTION } from "./key-options.ts";

const KEY: OptionSpec = { name: "key", value: "FILE", summary: "your own private key, which the trust store knows" };
const REASON: OptionSpec = { name: "reason", value: "TEXT", summary: "why; it is recorded and shown" };
const COMMENT: OptionSpec = {
  name: "comment",
  value: "TEXT",
  summary: "what you looked at, and why it may run; recorded and shown",
};

/** The commands about what agents hand in, and about people's consent to run it. */
export const INBOX_COMMANDS: readonly CommandSpec[] = [
  {
    path: ["inbox", "sweep"],
    summary: "take in what lies in inbox/agent/pending: .wasm files and .zip archives become tenant-agent-*",
    detail:
      "Nothing is executed. What is taken in waits for approval; what is refused says why and moves to inbox/agent/rejected.\nWrite a file under a hidden name or as NAME.part, and rename it when it is whole.",
    options: [{ name: "follow", summary: "go on with what comes later, until interrupted" }],
    example: "nightcore inbox sweep",
    load: () => import("./inbox-sweep.ts"),
  },
  {
    path: ["inbox", "list"],
    summary: "list what was handed in and how each stands",
    options: [],
    example: "nightcore inbox list",
    load: () => import("./inbox-list.ts"),
  },
  {
    path: ["inbox", "show"],
    positional: "TENANT",
    summary: "show what would be approved, as the difference to what was last approved for this tenant",
    options: [],
    example: "nightcore inbox show tenant-agent-resize",
    load: () => import("./inbox-show.ts"),
  },
  {
    path: ["inbox", "approve"],
    aliases: [["approve"]],
    positional: "TENANT",
    summary: "sign your consent to run exactly what lies there now",
    detail:
      "The approval holds for these bytes, this entry, at most these capabilities and budgets, under the policies in force, until\nit expires. Whoever submitted or signed the module cannot approve it. One that does not count is recorded too: exit 3.",
    options: [
      { ...KEY, summary: "your own private key, in a role that the policy asks for" },
      COMMENT,
      { name: "expires", value: "TIME", summary: "7d, 12h, 30m, or a moment (default: 30d, or less if the policy says so)" },
      {
        name: "allow",
        value: "CAPABILITY",
        many: true,
        summary: "approve this as well, for runs with the same --allow (repeat it)",
      },
      { name: "entry", value: "NAME", summary: "approve this exported function instead of the manifest's entry" },
      { name: "break-glass", summary: "alone, at once, for a short time; an incident that another person reviews" },
      { name: "out", value: "FILE", summary: "sign into a file and record nothing" },
      { name: "signed", value: "FILE", summary: "record an approval that was signed elsewhere" },
      PASSPHRASE_OPTION,
    ],
    example: 'nightcore inbox approve tenant-agent-resize --key bob.key --comment "read it"',
    load: () => import("./inbox-approve.ts"),
  },
  {
    path: ["inbox", "reject"],
    positional: "TENANT",
    summary: "refuse the bytes that lie there now; earlier approvals of them count no longer",
    options: [REASON, { ...KEY, summary: "sign the refusal with your own key" }, PASSPHRASE_OPTION],
    example: 'nightcore inbox reject tenant-agent-resize --reason "reads more than it says"',
    load: () => import("./inbox-reject.ts"),
  },
  {
    path: ["inbox", "review"],
    positional: "APPROVAL",
    summary: "look at a use of break-glass afterwards; another person than the one who broke it",
    options: [KEY, { ...COMMENT, summary: "what you found; recorded and shown" }, PASSPHRASE_OPTION],
    example: 'nightcore inbox review 5b1c09d2 --key carol.key --comment "the outage was real"',
    load: () => import("./approvals-act.ts"),
  },
  {
    path: ["approvals", "history"],
    positional: "[TENANT]",
    summary: "who could approve, who did, who refused and why, and what lapsed",
    options: [],
    example: "nightcore approvals history tenant-agent-resize",
    load: () => import("./approvals-history.ts"),
  },
  {
    path: ["approvals", "revoke"],
    positional: "APPROVAL",
    summary: "take an approval back, from the next decision on",
    options: [REASON, { ...KEY, summary: "sign it with your own key" }, PASSPHRASE_OPTION],
    example: 'nightcore approvals revoke 5b1c09d2 --reason "the library has a hole"',
    load: () => import("./approvals-act.ts"),
  },
];
