import { escapeControls, quote } from "#core";
import type { Row } from "#state";
import { openVault } from "#store/blobs";
import { EVERY_TENANT, shortKey, type TrustedKey, type TrustStore } from "#trust";
import { findBlocksNamed } from "./block-finding.ts";
import { nameTarget } from "./blocking.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { openView, viewTrustStore } from "./session.ts";

/** Shows blocks in full: what each holds back, where its bytes are, who consented to its end, and who could. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const [asked] = positionals;
  if (asked === undefined || positionals.length > 1)
    throw usageStop("one BLOCK is needed", "`nightcore quarantine list` shows them");
  const view = await openView(invocation);
  try {
    const store = viewTrustStore(view);
    const vault = openVault(view.layout.vault);
    const shown = findBlocksNamed(view.rows, asked).map((block) => ({
      block,
      bytes: block["kind"] === "digest" ? (vault.get(String(block["target"]))?.length ?? null) : null,
      consents: view.rows.scan("consents", { where: { block: block["id"] ?? null }, orderBy: "log_index" }),
    }));
    const approvers = store.keys.filter((key) => mightRelease(store, key)).map(({ keyId, name }) => ({ keyId, name }));
    if (json) terminal.print(JSON.stringify({ blocks: shown.map(({ block, ...rest }) => ({ ...block, ...rest })), approvers }));
    else for (const block of shown) for (const line of describe(block)) terminal.print(line);
    const names = approvers.map(({ keyId, name }) => `${name} (${shortKey(keyId)})`);
    terminal.say(
      names.length === 0 ? "nobody is trusted as approver of every tenant" : `approvers: ${escapeControls(names.join(", "))}`,
    );
  } finally {
    view.close();
  }
  return EXIT.ok;
}

function mightRelease(store: TrustStore, { keyId }: TrustedKey): boolean {
  return store.gapOf(keyId, "approver", { tenant: EVERY_TENANT, nowMs: Date.now() }) === undefined;
}

type Shown = { readonly block: Row; readonly bytes: number | null; readonly consents: readonly Row[] };

function describe({ block, bytes, consents }: Shown): readonly string[] {
  const by = typeof block["caused_by"] === "string" ? ` by ${block["caused_by"].slice(0, 8)}` : "";
  const led = typeof block["run"] === "string" ? `, run ${block["run"]}` : "";
  const consented = consents.map(
    (row) => `  consent of ${escapeControls(String(row["person"]))} at ${row["at"]}, entry ${row["log_index"]}`,
  );
  return [
    `block ${block["id"]}: ${nameTarget(block)}`,
    `  since ${block["at"]}, entry ${block["log_index"]} (${block["cause"]}${by}${led})`,
    `  because ${quote(String(block["reason"]))}`,
    ...(bytes === null ? [] : [`  ${bytes} bytes in the vault`]),
    ...consented,
    ...(block["released_at"] === null ? [] : [`  released at ${block["released_at"]}, entry ${block["released_index"]}`]),
  ];
}
