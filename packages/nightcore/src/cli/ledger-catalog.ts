import { PASSPHRASE_OPTION } from "./key-options.ts";
import type { CommandSpec } from "./catalog.ts";

/** The commands about the log itself: entries, receipts, witnesses. */
export const LEDGER_COMMANDS: readonly CommandSpec[] = [
  {
    path: ["ledger", "vkey"],
    summary: "print the log's verifier keys: all that others need to check receipts",
    options: [],
    example: "nightcore ledger vkey > log.vkey",
    load: () => import("./ledger-vkey.ts"),
  },
  {
    path: ["ledger", "ml-dsa-key"],
    summary: "make the ML-DSA-44 key that signs published checkpoints beside Ed25519",
    detail:
      "It signs once nightcore.toml says `ml_dsa_44 = true`. Verifiers need both keys then; the command prints them. A key that is\nthere is never overwritten.",
    options: [],
    example: "nightcore ledger ml-dsa-key > log.vkey",
    load: () => import("./ledger-ml-dsa-key.ts"),
  },
  {
    path: ["ledger", "verify"],
    summary: "rebuild the whole tree and check every tile, signature and entry",
    detail: "A log that was pruned is verified whole with its archive, and without it from the minimum index on; it says which.",
    options: [
      { name: "archive", value: "DIR", summary: "the archive of a pruned log (default: as nightcore.toml or the log says)" },
      { name: "log-key", value: "VKEY", summary: "a verifier key, or a file with the log's (default: the workspace's own)" },
    ],
    example: "nightcore ledger verify",
    load: () => import("./ledger-verify.ts"),
  },
  {
    path: ["ledger", "fsck"],
    summary: "name everything that is wrong with the log, and repair what is derived",
    detail:
      "Exit 0 when nothing is wrong, 1 when only what is derived is damaged (tiles, recent bundles, the projection, unfinished\nfiles), 4 when something is that nothing here gives again. It changes nothing without --repair, and then only what is\nderived, and only if the entries give the published root; what it repaired is recorded in the log.",
    options: [{ name: "repair", summary: "write what is derived again" }],
    example: "nightcore ledger fsck --repair",
    load: () => import("./ledger-fsck.ts"),
  },
  {
    path: ["ledger", "prune"],
    summary: "move old entries out of the published folder into an archive, and record it",
    detail:
      "Only what is older than `log_days` under `[retention]` in nightcore.toml goes, in whole bundles of 256 entries, and nothing\nwhile the journal, a run or a witness still needs it. It is copied and compared, then recorded in the log, and only then\nremoved; archive and published folder together are the whole log. Whatever reads old entries looks into the archive.",
    options: [
      {
        name: "before",
        value: "TIME|INDEX",
        summary: "entries that are older (365d, 2026-01-31), or that stand before an index",
      },
      { name: "archive", value: "DIR", summary: "where they go (default: as nightcore.toml or the last pruning says)" },
      { name: "list", summary: "say what would go, and change nothing" },
    ],
    example: "nightcore ledger prune --before 365d --archive /archive/nightcore",
    load: () => import("./ledger-prune.ts"),
  },
  {
    path: ["ledger", "backup"],
    positional: "DIR",
    summary: "copy the log to a folder, or what an earlier backup there lacks",
    detail:
      "Everything that was acknowledged before is in it, also while another process appends. The log must continue what is in\nDIR already; DIR holds a whole backup at any moment. It is a tlog-tiles directory with the configuration, the public key\nand the trust store beside it, and without the private key and the blobs.",
    options: [{ name: "verify", summary: "then verify the whole backup, every entry and signature" }],
    example: "nightcore ledger backup /backup/nightcore",
    load: () => import("./ledger-backup.ts"),
  },
  {
    path: ["ledger", "restore"],
    positional: "DIR",
    summary: "verify a backup, and put it where the workspace has no ledger",
    detail:
      "The restored log can be read and verified. Nothing is appended to it before `ledger resume`, since whoever continues an\nolder state as if it were the newest signs a second history.",
    options: [{ name: "log-key", value: "VKEY", summary: "a verifier key, or a file with one (default: the workspace's own)" }],
    example: "nightcore ledger restore /backup/nightcore",
    load: () => import("./ledger-restore.ts"),
  },
  {
    path: ["ledger", "resume"],
    summary: "go on with a restored log, once nothing newer was signed",
    detail:
      "At least one of the three is needed; the log records which. If more of the log was seen anywhere, it is closed for good:\nit stays readable, and `nightcore init --continues` begins a new log that names it.",
    options: [
      { name: "policy", value: "FILE", summary: "ask its witnesses: a quorum that knew the log must have seen nothing newer" },
      {
        name: "checkpoint",
        value: "FILE",
        summary: "the newest checkpoint that others are shown, which must be the restored one",
      },
      { name: "statement", value: "TEXT", summary: "your own word that nothing newer was signed, and how you know" },
    ],
    example: "nightcore ledger resume --policy witness.policy",
    load: () => import("./ledger-resume.ts"),
  },
  {
    path: ["ledger", "find"],
    summary: "find entries by run, tenant, digest, signer, verdict, kind and time",
    detail:
      "Every entry found is read from the log and its signature checked; with --proofs each gets its inclusion proof, which\n`ledger check` and other tools verify. That no entry was left out is not proved: a log cannot prove that without a map.",
    options: [
      { name: "run", value: "RUN", summary: "entries of one run, by its whole identifier" },
      { name: "tenant", value: "T", summary: "entries of one tenant" },
      { name: "digest", value: "SHA256", summary: "entries about these bytes" },
      { name: "signer", value: "KEYID", summary: "entries about what this key signed (8 characters are enough)" },
      { name: "verdict", value: "V", summary: "runs decided so: allow, hold, deny or quarantine" },
      { name: "kind", value: "KIND", summary: "only entries of this kind: decision, outcome, trust, …" },
      { name: "since", value: "TIME", summary: "not before (2026-01-31, RFC 3339, or 30d for thirty days ago)" },
      { name: "until", value: "TIME", summary: "not after" },
      { name: "limit", value: "N", summary: "the newest N runs and other events (default 50)" },
      { name: "proofs", value: "DIR", summary: "write each entry and its inclusion proof into a new folder" },
    ],
    example: "nightcore ledger find --tenant hello --verdict deny --since 30d",
    load: () => import("./ledger-find.ts"),
  },
  {
    path: ["ledger", "check"],
    positional: "ENTRY PROOF",
    summary: "check one entry and its inclusion proof with the log's key alone",
    options: [{ name: "log-key", value: "VKEY", summary: "the log's verifier key, or a file with it" }],
    example: "nightcore ledger check 17.json 17.tlog-proof --log-key log.vkey",
    load: () => import("./ledger-check.ts"),
  },
  {
    path: ["ledger", "export"],
    summary: "write published entries as lines of JSON, or as OCSF events for a SIEM",
    detail:
      "The last line names the checkpoint that covers all of them and the index to go on from. An export that begins there\ncontinues it without a gap.",
    options: [
      { name: "form", value: "FORM", summary: "jsonl (default): predicate and exact envelope; ocsf: security events" },
      { name: "from", value: "N", summary: "the first entry (default 0)" },
      { name: "to", value: "N", summary: "the entry to stop before (default: all that is published)" },
      { name: "out", value: "FILE", summary: "a new file instead of stdout" },
    ],
    example: "nightcore ledger export --form ocsf --from 1200",
    load: () => import("./ledger-export.ts"),
  },
  {
    path: ["ledger", "forward"],
    positional: "DESTINATION",
    summary: "hand published entries on to a file, a syslog server or an HTTP endpoint",
    detail:
      "DESTINATION is file:PATH, syslog+tls://HOST[:PORT] or https://HOST/PATH. Each entry is delivered at least once and in\norder; how far a destination has confirmed is remembered, and an absent one is tried again.",
    options: [
      { name: "form", value: "FORM", summary: "jsonl (default) or ocsf" },
      { name: "follow", summary: "go on with what is published later, until interrupted" },
      { name: "from", value: "N", summary: "begin there, whatever was confirmed before" },
      { name: "ca", value: "FILE", summary: "trust these certificate authorities (PEM) instead of the system's" },
      { name: "cert", value: "FILE", summary: "our certificate (PEM), for a receiver that asks for one" },
      { name: "key", value: "FILE", summary: "its private key (PEM)" },
    ],
    example: "nightcore ledger forward syslog+tls://siem.example:6514 --form ocsf --follow",
    load: () => import("./ledger-forward.ts"),
  },
  {
    path: ["witness", "serve"],
    summary: "cosign the checkpoints of other people's logs over HTTP",
    detail:
      "It remembers durably what it has cosigned before it answers, and refuses a fork, a rollback and a log that it was not told\nof. Put TLS in front of it where others reach it.",
    options: [
      { name: "key", value: "FILE", summary: "the witness's own private key; never that of a log" },
      { name: "name", value: "NAME", summary: "the witness's name, like example.com/witness" },
      { name: "log", value: "VKEY", many: true, summary: "a log to witness, or a file with one in each line (repeat it)" },
      { name: "state", value: "DIR", summary: "where it remembers (default: .nightcore-witness)" },
      { name: "listen", value: "HOST:PORT", summary: "where it listens (default: 127.0.0.1:8127)" },
      PASSPHRASE_OPTION,
    ],
    example: "nightcore witness serve --key witness.key --name example.com/witness --log other.vkey",
    load: () => import("./witness-serve.ts"),
  },
  {
    path: ["witness", "vkey"],
    summary: "print a witness's verifier key",
    options: [
      { name: "key", value: "FILE", summary: "the witness's private key" },
      { name: "name", value: "NAME", summary: "the witness's name" },
      PASSPHRASE_OPTION,
    ],
    example: "nightcore witness vkey --key witness.key --name example.com/witness",
    load: () => import("./witness-vkey.ts"),
  },
  {
    path: ["witness", "submit"],
    summary: "ask the witnesses of a policy to cosign the published checkpoint",
    detail:
      "Exit 0 when the policy's quorum is met, 1 when it is not, 5 when a witness knows more of the log than is here. Receipts are\nmade under the cosigned checkpoint where it covers them.",
    options: [
      { name: "policy", value: "FILE", summary: "logs, witnesses with their URLs, and the quorum (C2SP tlog-policy)" },
      { name: "every", value: "SECONDS", summary: "go on for ever: look for a new checkpoint after each such pause" },
      { name: "idle", value: "SECONDS", summary: "with --every: when a log that did not grow is submitted again (default 3600)" },
      { name: "deadline", value: "SECONDS", summary: "how long a witness that is away is tried again (default 30)" },
    ],
    example: "nightcore witness submit --policy witness.policy",
    load: () => import("./witness-submit.ts"),
  },
  {
    path: ["receipt", "show"],
    positional: "RUN",
    summary: "print the receipt of a run: its entries and their inclusion proofs",
    options: [],
    example: "nightcore receipt show 01999c3e > receipt.json",
    load: () => import("./receipt-show.ts"),
  },
  {
    path: ["receipt", "verify"],
    positional: "FILE",
    summary: "check a receipt with nothing else at hand",
    options: [
      { name: "log-key", value: "VKEY", summary: "the log's verifier key, or a file with it" },
      {
        name: "witness",
        value: "VKEY",
        many: true,
        summary: "a witness that must have cosigned, or a file with such (repeat it)",
      },
      { name: "policy", value: "FILE", summary: "witnesses and the quorum of them that must have cosigned (C2SP tlog-policy)" },
    ],
    example: "nightcore receipt verify receipt.json --log-key log.vkey",
    load: () => import("./receipt-verify.ts"),
  },
  {
    path: ["receipt", "page"],
    summary: "write one HTML file that checks receipts in a browser, with the network off",
    options: [
      { name: "log-key", value: "VKEY", summary: "the key that it proposes, or a file with it (default: the workspace's own)" },
      { name: "out", value: "FILE", summary: "where to write it (default: stdout)" },
    ],
    example: "nightcore receipt page --out receipt.html",
    load: () => import("./receipt-page.ts"),
  },
];
