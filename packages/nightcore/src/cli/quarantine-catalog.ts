import { PASSPHRASE_OPTION } from "./key-options.ts";
import type { CommandSpec, OptionSpec } from "./catalog.ts";

const REASON: OptionSpec = { name: "reason", value: "TEXT", summary: "why; it is recorded and shown" };
const RELEASE: readonly OptionSpec[] = [
  { name: "key", value: "FILE", summary: "the private key of an approver, who signs the release" },
  { name: "comment", value: "TEXT", summary: "why it may run again; it is signed and recorded" },
  PASSPHRASE_OPTION,
];

/** The commands that hold something back, and those that end that. */
export const QUARANTINE_COMMANDS: readonly CommandSpec[] = [
  {
    path: ["quarantine", "add"],
    positional: "[SHA256|PATH]",
    summary: "block bytes, a signer, a tenant or a set of imports; blocked bytes go into the vault",
    detail:
      "Bytes are blocked whoever signs them and wherever they lie, also as what a run would be given. The options can be given\ntogether: each is a block of its own. A set of imports blocks modules that import all of it.",
    options: [
      { name: "signer", value: "KEYID", summary: "all that this key signed (8 characters are enough)" },
      { name: "tenant", value: "T", summary: "a tenant, whatever it runs" },
      { name: "imports", value: "M.F,M.F", summary: "modules with all of these imports, each MODULE.FUNCTION" },
      REASON,
    ],
    example: 'nightcore quarantine add modules/hello --reason "under investigation"',
    load: () => import("./quarantine.ts"),
  },
  {
    path: ["quarantine", "list"],
    summary: "what is blocked, since when and why",
    options: [{ name: "all", summary: "also what was released" }],
    example: "nightcore quarantine list",
    load: () => import("./quarantine.ts"),
  },
  {
    path: ["quarantine", "show"],
    positional: "BLOCK",
    summary: "one block: who caused it, what it holds back, who consented to its end",
    options: [],
    example: "nightcore quarantine show 17.0",
    load: () => import("./quarantine-show.ts"),
  },
  {
    path: ["quarantine", "release"],
    positional: "BLOCK…",
    summary: "consent to the end of blocks, with an approver's signature",
    detail:
      "BLOCK is the id of a block (17.0), or of an entry (17) for all of its blocks. Enough persons end a block (the policy's\n`release_approvals`, one approver if it says nothing); nobody ends what they caused or signed. Exit 3 when it is refused.",
    options: RELEASE,
    example: 'nightcore quarantine release 17.0 --key keys/maintainers/bob.key --comment "false alarm"',
    load: () => import("./quarantine-release.ts"),
  },
  {
    path: ["kill", "lift"],
    positional: "BLOCK…",
    summary: "consent to the end of what the kill switch blocks, as `quarantine release` does",
    options: RELEASE,
    example: 'nightcore kill lift 17.0 --key keys/maintainers/bob.key --comment "rotated the key"',
    load: () => import("./quarantine-release.ts"),
  },
  {
    path: ["kill"],
    summary: "end what runs of a tenant, of a signer, or everything, and let nothing of it start",
    detail:
      "The processes that run guests in this workspace hear of it within 0.05 s and end them through their own engine; no process\nis looked for. It is recorded as a block, which `kill lift` ends with an approver's signature.",
    options: [
      { name: "tenant", value: "T", summary: "what runs for this tenant" },
      { name: "signer", value: "KEYID", summary: "what this key signed (8 characters are enough)" },
      { name: "all", summary: "everything" },
      REASON,
    ],
    example: 'nightcore kill --tenant hello --reason "it scans the network"',
    load: () => import("./kill.ts"),
  },
  {
    path: ["recall"],
    summary: "find everything that came of a key, bytes, a tenant or a policy version, and freeze it",
    detail:
      "The runs that it names, what they left, the later runs that were given any of it, what those left, and so on, by digest;\nand the approvals. It blocks what was named and every output, so that nothing is run with it or given it. What runs at\nthe moment is ended by `kill`.",
    options: [
      { name: "key", value: "KEYID", summary: "what this key signed (8 characters are enough)" },
      { name: "digest", value: "SHA256", summary: "runs of these bytes, or that were given them" },
      { name: "tenant", value: "T", summary: "runs of this tenant" },
      { name: "policy-version", value: "V", summary: "what was decided under this version, by number or digest" },
      { name: "list", summary: "tell, and freeze nothing" },
      REASON,
    ],
    example: 'nightcore recall --key 6ad10ece --reason "the laptop was stolen"',
    load: () => import("./recall.ts"),
  },
];
