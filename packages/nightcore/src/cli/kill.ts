import { setTimeout as sleep } from "node:timers/promises";
import { encodeHex, encodeTime } from "#core";
import { random } from "#store/keys";
import { type KillOrder } from "#worker";
import { nameTarget, readReason, readSigner, readTenant } from "./blocking.ts";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { giveOrder, isOrderSeen } from "./kill-orders.ts";
import { openConfiguration, openSession, openView, viewTrustStore } from "./session.ts";

const LOOK_MS = 20;
const WAIT_MS = 30_000; // LIMIT: whoever holds the log hears of an order within 0.05 s, and has this long to write it down

/** Ends what runs of a tenant, of a signer, or everything, and lets nothing of it start until the block that records it is lifted. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const reason = readReason(invocation);
  const target = await readTarget(invocation);
  const order: KillOrder = { id: encodeHex(random(16)), target, reason, at: encodeTime(Date.now()) };
  const { layout } = await openConfiguration(invocation);
  // First, and without the ledger's lock: whoever has that may be running what is to end.
  giveOrder(layout, order);
  await waitUntilRecorded(invocation, order);
  if (json) terminal.print(JSON.stringify({ order: order.id, ...target, reason }));
  terminal.say(`${nameTarget(target)} is killed and blocked; recorded in the log`);
  terminal.say(
    "`nightcore kill lift BLOCK --key APPROVER.key --comment TEXT` ends it; `nightcore quarantine list` names the block",
  );
  return EXIT.ok;
}

async function readTarget(invocation: Invocation): Promise<KillOrder["target"]> {
  const tenant = invocation.text("tenant");
  const signer = invocation.text("signer");
  if ([tenant !== undefined, signer !== undefined, invocation.flag("all")].filter(Boolean).length !== 1)
    throw usageStop("one of `--tenant T`, `--signer KEYID` and `--all` is needed", "see `nightcore help kill`");
  if (tenant !== undefined) return { kind: "tenant", target: readTenant(tenant) };
  if (signer === undefined) return { kind: "everything", target: "" };
  if (/^[0-9a-f]{64}$/.test(signer)) return { kind: "signer", target: signer };
  const view = await openView(invocation);
  try {
    return { kind: "signer", target: readSigner(signer, viewTrustStore(view)) };
  } finally {
    view.close();
  }
}

/** Whoever runs guests records it; if nobody does, opening the workspace records it here. */
async function waitUntilRecorded(invocation: Invocation, order: KillOrder): Promise<void> {
  const { layout } = await openConfiguration(invocation);
  for (const deadline = performance.now() + WAIT_MS; ; await sleep(LOOK_MS)) {
    if (isOrderSeen(layout, order)) return;
    try {
      const session = await openSession(invocation, { thread: false, lockWaitMs: 0 });
      await session.finish();
    } catch (error) {
      const busy = error instanceof CommandStop && error.code === "ledger/locked";
      if (!busy || performance.now() > deadline) throw error;
    }
  }
}
