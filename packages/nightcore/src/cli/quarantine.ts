import { type Digest, encodeTime, escapeControls, parseDigest } from "#core";
import { explainLedgerFault, explainSourceFault } from "#ports";
import { openModuleFolder } from "#store/modules";
import { digestBytes } from "#trust";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { locate, MODULE_BYTES_MAX } from "./request.ts";
import { crypto, openSession, openView } from "./session.ts";
import { unwrap } from "./unwrap.ts";

/** `quarantine add` blocks bytes by their digest; `quarantine list` shows what is blocked. Release needs approvals, and is not built yet. */
export async function run(invocation: Invocation): Promise<number> {
  return invocation.command[1] === "add" ? add(invocation) : list(invocation);
}

async function add(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const [what] = positionals;
  const reason = invocation.text("reason");
  if (what === undefined) throw usageStop("a SHA-256 or a module folder is needed", "see `nightcore help quarantine add`");
  if (reason === undefined || reason.trim() === "")
    throw usageStop("`--reason TEXT` is missing", "a quarantine says why, for whoever reads the log");
  const digest = parseDigest(what) ?? digestOfFolder(invocation, what);
  const session = await openSession(invocation, { thread: false });
  try {
    const targets = [{ kind: "digest", target: digest }] as const;
    const at = encodeTime(Date.now());
    const event = { kind: "block", at, targets, reason, cause: "operator", causedBy: null, run: null, order: null } as const;
    unwrap(await session.recorder.record([{ about: { name: "module.wasm", digest }, event }]), explainLedgerFault);
  } finally {
    await session.finish();
  }
  if (json) terminal.print(JSON.stringify({ digest, reason }));
  terminal.say(`${digest.slice(0, 16)} is in quarantine; recorded in the log`);
  return EXIT.ok;
}

function digestOfFolder({ root }: Invocation, path: string): Digest {
  const source = unwrap(openModuleFolder(root, locate(root, path), MODULE_BYTES_MAX), explainSourceFault);
  return digestBytes(unwrap(source.read().wasm, explainSourceFault), crypto).digest;
}

async function list(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const view = await openView(invocation);
  const rows = view.rows.scan("blocks", { where: { released_at: null }, orderBy: "log_index" });
  view.close();
  if (json) terminal.print(JSON.stringify({ quarantine: rows }));
  else for (const row of rows) terminal.print(`${row["target"]}  ${row["at"]}  ${escapeControls(String(row["reason"]))}`);
  if (!json && rows.length === 0) terminal.say("nothing is in quarantine");
  return EXIT.ok;
}
