import assert from "node:assert/strict";
import { test } from "node:test";
import { type AcknowledgementLevel, type Bytes, fail, ok, type Unreached } from "#core";
import type { LedgerFault, LedgerWriter } from "#ports";
import { AcknowledgingWriter, type CosigningEnd, type Miss } from "./acknowledging-writer.ts";

/** A ledger in memory that tells in which order it was used. */
class StubLedger implements LedgerWriter {
  readonly openedSize = 3;
  readonly recovery = { tornBytes: 0, rewrittenFiles: [], removedFiles: [] };
  readonly said: string[] = [];
  size = 3;
  refusesPublication = false;

  append(payloads: readonly Bytes[]) {
    const appended = payloads.map((_, n) => ({ index: this.size + n, checkpoint: "" }));
    this.size += payloads.length;
    this.said.push(`append ${payloads.length}`);
    return Promise.resolve(ok(appended));
  }

  publish() {
    this.said.push(`publish ${this.size}`);
    const fault: LedgerFault = { code: "ledger/disk-full", where: "", detail: "" };
    return Promise.resolve(this.refusesPublication ? fail(fault) : ok(""));
  }

  close() {
    return Promise.resolve(ok("closed"));
  }
}

type World = {
  readonly level?: Exclude<AcknowledgementLevel, "durable">;
  readonly unreached?: Unreached;
  readonly ends?: readonly CosigningEnd[];
};

function open({ level = "witnessed", unreached = "fail_closed", ends = [] }: World = {}) {
  const ledger = new StubLedger();
  const misses: Miss[] = [];
  const time = { ms: 1_000_000 };
  let round = 0;
  const cosign = () => {
    ledger.said.push("cosign");
    return Promise.resolve(ends[round++] ?? ({ kind: "met", size: ledger.size } as const));
  };
  const onMiss = (miss: Miss) => {
    misses.push(miss);
    ledger.said.push("miss");
    return Promise.resolve(ok([]));
  };
  const writer = new AcknowledgingWriter({ ledger, level, unreached, cosign, onMiss, clock: () => time.ms });
  return { ledger, writer, misses, time };
}

const AWAY: CosigningEnd = { kind: "missed", reasons: [{ code: "witness/unreachable", message: "w1 is away" }] };
const payload = new Uint8Array(1);

for (const [what, world, expected, reached] of [
  ["published waits for no witness", { level: "published" }, "append 2, publish 5 -> ok", "published"],
  ["witnessed waits for the quorum", {}, "append 2, publish 5, cosign -> ok", "witnessed"],
  ["closed: it is not told", { ends: [AWAY] }, "append 2, publish 5, cosign, miss -> ledger/not-acknowledged", "published"],
  ["open: it is told", { ends: [AWAY], unreached: "fail_open" }, "append 2, publish 5, cosign, miss -> ok", "published"],
  [
    "an older copy is never told of, not even open",
    { ends: [{ kind: "contradicted", code: "ledger/rollback", detail: "the witness knows 9" }], unreached: "fail_open" },
    "append 2, publish 5, cosign -> ledger/rollback",
    "published",
  ],
] satisfies readonly (readonly [string, World, string, AcknowledgementLevel])[]) {
  test(`an append that asks for more than durable: ${what}`, async () => {
    const { ledger, writer } = open(world);
    const appended = await writer.append([payload, payload]);
    assert.equal(`${ledger.said.join(", ")} -> ${appended.ok ? "ok" : appended.fault.code}`, expected);
    assert.equal(writer.reached, reached);
  });
}

test("a miss names its entries and why, and the fault that ends the command says the same", async () => {
  const { writer, misses } = open({ ends: [AWAY] });
  const appended = await writer.append([payload, payload]);
  assert.deepEqual(misses, [{ from: 3, to: 5, reached: "published", reasons: AWAY.reasons }]);
  assert.ok(!appended.ok);
  assert.deepEqual([appended.fault.where, appended.fault.detail], ["entries 3 to 4", "w1 is away"]);
});

test("a miss that cannot be recorded is the fault of the append, also under fail_open", async () => {
  const { ledger } = open();
  const broken: LedgerFault = { code: "ledger/write-failed", where: "", detail: "" };
  const options = { ledger, level: "witnessed", unreached: "fail_open", clock: () => 0 } as const;
  const writer = new AcknowledgingWriter({
    ...options,
    cosign: () => Promise.resolve(AWAY),
    onMiss: () => Promise.resolve(fail(broken)),
  });
  assert.deepEqual(await writer.append([payload]), fail(broken));
});

test("what waits at the same time shares one publication and one round; what comes meanwhile has the next", async () => {
  const { ledger, writer } = open();
  const first = [writer.append([payload]), writer.append([payload])];
  const [one] = await Promise.all(first);
  assert.ok(one?.ok);
  assert.deepEqual(ledger.said, ["append 1", "append 1", "publish 5", "cosign"]);
  await writer.append([payload]);
  assert.deepEqual(ledger.said.slice(4), ["append 1", "publish 6", "cosign"]);
});

test("open and without witnesses, only one round a minute waits for them, and the others say that they did not", async () => {
  const { ledger, writer, misses, time } = open({ ends: [AWAY], unreached: "fail_open" });
  await writer.append([payload]);
  await writer.append([payload]);
  assert.deepEqual(ledger.said.filter((said) => said === "cosign").length, 1);
  assert.match(misses[1]?.reasons[0]?.message ?? "", /were not asked again/);
  time.ms += 60_000;
  const later = await writer.append([payload]);
  assert.ok(later.ok && misses.length === 2, "they are back");
  assert.equal(writer.reached, "published", "the least of the session");
});

test("what the round before has covered already waits for no other", async () => {
  const { ledger, writer } = open({ ends: [{ kind: "met", size: 5 }] });
  await writer.append([payload]);
  await writer.append([payload]);
  assert.deepEqual(ledger.said, ["append 1", "publish 4", "cosign", "append 1"]);
});

test("a publication that fails, and a round that throws, are heard by those who wait", async () => {
  const { ledger, writer } = open();
  ledger.refusesPublication = true;
  const refused = await writer.append([payload]);
  assert.equal(refused.ok ? "told" : refused.fault.code, "ledger/disk-full");
  const throwing = new AcknowledgingWriter({
    ledger: new StubLedger(),
    level: "witnessed",
    unreached: "fail_open",
    cosign: () => Promise.reject(new Error("a bug")),
    onMiss: () => Promise.resolve(ok([])),
    clock: () => 0,
  });
  await assert.rejects(throwing.append([payload]), /a bug/);
  await assert.rejects(throwing.append([payload]), /a bug/, "and it goes on working");
});

test("the rest of the writer is the ledger's own, and an append that failed waits for nobody", async () => {
  const { ledger, writer } = open();
  assert.deepEqual([writer.openedSize, writer.recovery], [ledger.openedSize, ledger.recovery]);
  assert.deepEqual(await writer.close(), ok("closed"));
  assert.deepEqual(await writer.publish(), ok(""));
  assert.deepEqual(await writer.append([]), ok([]));
  assert.deepEqual(ledger.said, ["publish 3", "append 0"]);
});
