import { join } from "node:path";
import { type BlockTarget, type Digest, encodeImportSet, escapeControls, parseDigest, quote } from "#core";
import { explainSourceFault } from "#ports";
import { openModuleFolder } from "#store/modules";
import { digestBytes, type TrustStore } from "#trust";
import { blockEvent, nameTarget, readReason, readSigner, readTenant, recordBlock } from "./blocking.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { locate, MODULE_BYTES_MAX } from "./request.ts";
import { crypto, openSession, openView } from "./session.ts";
import { unwrap } from "./unwrap.ts";
import { settleVault } from "./vaulting.ts";

/** `quarantine add` blocks bytes, signers, tenants or imports, and takes the bytes into the vault; `quarantine list` shows what is blocked. */
export async function run(invocation: Invocation): Promise<number> {
  return invocation.command[1] === "add" ? add(invocation) : list(invocation);
}

async function add(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const bytes = positionals.map((what) => {
    const digest = parseDigest(what);
    return digest === undefined ? readFolder(invocation, what) : { digest, folder: undefined };
  });
  const reason = readReason(invocation);
  const session = await openSession(invocation, { thread: false });
  try {
    const digests = bytes.map(({ digest }) => ({ kind: "digest", target: digest }) as const);
    const targets = [...digests, ...readTargets(invocation, session.store)];
    if (targets.length === 0) throw usageStop("nothing is named that could be blocked", "see `nightcore help quarantine add`");
    // The record is the intent: what dies behind it, the next opening of the workspace ends.
    const ids = await recordBlock(session, blockEvent(targets, { reason, cause: "operator" }));
    const folders = bytes.flatMap(({ folder }) => folder ?? []);
    const { isolated } = settleVault(session, folders);
    if (json)
      terminal.print(JSON.stringify({ blocks: targets.map((target, n) => ({ id: ids[n], ...target })), reason, isolated }));
    targets.forEach((target, n) => terminal.say(`${nameTarget(target)} is blocked (block ${ids[n]}); recorded in the log`));
    if (isolated.length > 0) terminal.say(`the bytes are in the vault; nothing here can run them`);
  } finally {
    await session.finish();
  }
  return EXIT.ok;
}

function readTargets(invocation: Invocation, store: TrustStore): readonly BlockTarget[] {
  const signer = invocation.text("signer");
  const tenant = invocation.text("tenant");
  const imports = invocation.text("imports");
  return [
    ...(signer === undefined ? [] : [{ kind: "signer", target: readSigner(signer, store) } as const]),
    ...(tenant === undefined ? [] : [{ kind: "tenant", target: readTenant(tenant) } as const]),
    ...(imports === undefined ? [] : [{ kind: "imports", target: readImports(imports) } as const]),
  ];
}

function readImports(text: string): string {
  const set = encodeImportSet(text.split(",").map((name) => name.trim()));
  if (set !== undefined) return set;
  throw usageStop(`${quote(text)} is no set of imports`, "like wasi_snapshot_preview1.path_open,wasi_snapshot_preview1.fd_write");
}

function readFolder({ root }: Invocation, path: string): { readonly digest: Digest; readonly folder: string } {
  const source = unwrap(openModuleFolder(root, locate(root, path), MODULE_BYTES_MAX), explainSourceFault);
  const { digest } = digestBytes(unwrap(source.read().wasm, explainSourceFault), crypto);
  return { digest, folder: join(root, source.path) };
}

async function list(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const view = await openView(invocation);
  const where = invocation.flag("all") ? {} : { released_at: null };
  const rows = view.rows.scan("blocks", { where, orderBy: "log_index" });
  view.close();
  if (json) terminal.print(JSON.stringify({ quarantine: rows }));
  else
    for (const row of rows) {
      const released = row["released_at"] === null ? "" : `  released ${row["released_at"]}`;
      const text = escapeControls(String(row["reason"]));
      terminal.print(`${row["id"]}  ${nameTarget(row)}  ${row["at"]}  ${row["cause"]}  ${text}${released}`);
    }
  if (!json && rows.length === 0) terminal.say("nothing is in quarantine");
  return EXIT.ok;
}
