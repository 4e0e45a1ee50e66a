import { type BlockTarget, type Digest, escapeControls, parseDigest, quote } from "#core";
import type { Rows } from "#state";
import { openBlobs, openVault } from "#store/blobs";
import type { Layout } from "#store/workspace";
import { type Recall, type RecallSeed, traceRecall } from "#worker";
import { blockEvent, readReason, readSigner, readTenant, recordBlock } from "./blocking.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { openSession, openView, viewTrustStore } from "./session.ts";
import { settleVault } from "./vaulting.ts";

/** Finds everything that came of a key, of bytes, of a tenant or of a version of the policies, and freezes it; with `--list` it only tells. */
export async function run(invocation: Invocation): Promise<number> {
  const seed = await readSeed(invocation);
  if (invocation.flag("list")) {
    const view = await openView(invocation);
    try {
      tell(invocation, { seed, recall: trace(seed, view), blocks: undefined });
    } finally {
      view.close();
    }
    return EXIT.ok;
  }
  const reason = readReason(invocation);
  const session = await openSession(invocation, { thread: false });
  try {
    const recall = trace(seed, session);
    const { targets } = recall;
    const causedBy = null;
    const why = `recall of ${seed.by} ${seed.value}: ${reason}`;
    const ids =
      targets.length === 0 ? [] : await recordBlock(session, blockEvent(targets, { reason: why, cause: "recall", causedBy }));
    settleVault(session);
    tell(invocation, { seed, recall, blocks: ids.map((id, n) => ({ id, target: targets[n] })) });
  } finally {
    await session.finish();
  }
  return EXIT.ok;
}

function trace(seed: RecallSeed, { layout, rows }: { readonly layout: Layout; readonly rows: Rows }): Recall {
  const blobs = openBlobs(layout.blobs);
  const vault = openVault(layout.vault);
  return traceRecall(seed, { rows, find: (digest: Digest) => blobs.get(digest) ?? vault.get(digest) });
}

async function readSeed(invocation: Invocation): Promise<RecallSeed> {
  const named = (["key", "digest", "tenant", "policy-version"] as const).flatMap((by) => {
    const value = invocation.text(by);
    return value === undefined ? [] : [{ by, value }];
  });
  const [seed] = named;
  if (seed === undefined || named.length > 1)
    throw usageStop("one of `--key`, `--digest`, `--tenant` and `--policy-version` is needed", "see `nightcore help recall`");
  if (seed.by === "tenant") return { by: "tenant", value: readTenant(seed.value) };
  if (seed.by === "digest") {
    const digest = parseDigest(seed.value);
    if (digest === undefined) throw usageStop(`${quote(seed.value)} is no SHA-256`);
    return { by: "digest", value: digest };
  }
  const view = await openView(invocation);
  try {
    if (seed.by === "key") return { by: "key", value: readSigner(seed.value, viewTrustStore(view)) };
    return { by: "policy-version", value: readVersion(seed.value, view.rows) };
  } finally {
    view.close();
  }
}

/** A version by its number, or by its digest, which for decisions from before there were versions is that of the policy. */
function readVersion(text: string, rows: Rows): string {
  const digest = parseDigest(text) ?? rows.get("policy_versions", text)?.["version"];
  if (typeof digest === "string") return digest;
  throw usageStop(`there is no version ${quote(text)} of the policies`, "`nightcore policy history` shows them");
}

type Told = {
  readonly seed: RecallSeed;
  readonly recall: Recall;
  /** Undefined where nothing was frozen. */
  readonly blocks: readonly { readonly id: string; readonly target: BlockTarget | undefined }[] | undefined;
};

function tell({ terminal, json }: Invocation, { seed, recall, blocks }: Told): void {
  const { runs, outputs, approvals, targets, gaps } = recall;
  if (json) {
    const given = approvals.map((approval) => ({ ...approval, envelope: undefined }));
    terminal.print(JSON.stringify({ recall: seed, runs, outputs, approvals: given, targets, gaps, blocks: blocks ?? null }));
  } else {
    for (const { run, tenant, status, at, consumed } of runs) {
      const how = consumed === undefined ? "directly" : `given ${consumed.digest.slice(0, 16)} of ${consumed.of}`;
      terminal.print(`run       ${run}  ${escapeControls(tenant)}  ${status}  ${at ?? ""}  ${how}`);
    }
    for (const { digest, run, what } of outputs) terminal.print(`output    ${digest}  ${what} of ${run}`);
    for (const row of approvals)
      terminal.print(
        `approval  ${row["id"]}  ${escapeControls(String(row["person"]))} for ${escapeControls(String(row["tenant"]))}`,
      );
  }
  for (const gap of gaps)
    terminal.say(`${terminal.paint("yellow", "note")}: the listing ${gap} is gone, and what it named cannot be told`);
  const found = `${runs.length} runs, ${outputs.length} outputs, ${approvals.length} approvals`;
  const frozen =
    blocks === undefined
      ? `${targets.length} blocks would freeze them; nothing was changed`
      : blocks.length === 0
        ? "all of it was frozen before"
        : `frozen by ${blocks.length} blocks of entry ${blocks[0]?.id.split(".")[0]} and after; recorded in the log`;
  terminal.say(`${found}: ${frozen}`);
}
