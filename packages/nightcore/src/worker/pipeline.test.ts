import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeBase64, fail, makeCanaries, ok, utf8 } from "#core";
import { decide, type Facts } from "#guardian";
import type { ModuleFiles, ModuleSource } from "#ports";
import { sha256 } from "#store/keys";
import { processAll } from "#worker";
import { GOOD, KEY_ID, makeRig, MODULE, REQUEST, SIGN, sourceOf } from "./fixture.test.ts";

test("the intent is durable before the guest starts, and the outcome before anyone hears of it", async () => {
  const { pipeline, steps, entries } = makeRig();
  const record = await pipeline.process(sourceOf(), REQUEST);
  assert.ok(record.ok);
  assert.deepEqual(steps, ["append", "run", "append"]);
  assert.deepEqual(
    entries.map(({ kind }) => kind),
    ["admission", "verification", "decision", "intent", "outcome"],
  );
  assert.equal(record.value.status, "ran");
});

test("what cannot be recorded does not run", async () => {
  const { pipeline, steps } = makeRig({ failAppend: 1 });
  const record = await pipeline.process(sourceOf(), REQUEST);
  assert.ok(!record.ok && record.fault.code === "ledger/disk-full");
  assert.deepEqual(steps, []);
});

test("an outcome that cannot be recorded is not reported", async () => {
  const { pipeline, steps, entries } = makeRig({ failAppend: 2 });
  const record = await pipeline.process(sourceOf(), REQUEST);
  assert.ok(!record.ok);
  assert.deepEqual(steps, ["append", "run"]);
  assert.equal(entries.at(-1)?.kind, "intent", "the log says that something may have run");
});

test("a ledger that fails ends the batch: nothing new starts", async () => {
  const { pipeline, steps } = makeRig({ failAppend: 3 });
  const jobs = Array.from({ length: 50 }, () => ({ source: sourceOf(), request: REQUEST }));
  const records = await processAll(pipeline, jobs, { concurrency: 1 });
  assert.ok(!records.ok);
  assert.equal(steps.filter((step) => step === "run").length, 1);
});

test("no combination of files reaches the engine unless every one of them is right", async () => {
  const other = utf8(encodeBase64(SIGN(utf8("other"))));
  const spoiled: readonly Partial<ModuleFiles>[] = [
    { wasm: fail({ code: "source/module-missing", detail: "" }) },
    { wasm: ok(MODULE.subarray(0, 20)) },
    { wasm: ok(utf8("\u007fELF and the rest of it")) },
    { wasm: ok(new Uint8Array(2000)) },
    { signature: undefined },
    { signature: other },
    { signature: utf8("!") },
    { publicKeyHint: utf8("!") },
    { digestFile: utf8("00".repeat(32)) },
    { envelope: utf8("{}") },
    { manifest: undefined },
    { manifest: utf8("{") },
    { manifest: utf8('{"permissions":["net"]}') },
    { manifest: utf8('{"permissions":["clock:real"]}') },
    { manifest: utf8('{"permissions":[],"timeout_ms":999999999}') },
    { manifest: utf8('{"permissions":[],"entry":"main"}') },
    { manifest: utf8('{"tenant":"other","permissions":[]}') },
    { manifest: utf8('{"ingestion":{"channel":"automated","source":"agent"},"approved":true,"approved_by":"gui"}') },
  ];
  await fc.assert(
    fc.asyncProperty(fc.subarray([...spoiled], { minLength: 1 }), async (changes) => {
      const { pipeline, jobs, entries } = makeRig();
      const record = await pipeline.process(sourceOf(Object.assign({}, ...changes) as Partial<ModuleFiles>), REQUEST);
      assert.ok(record.ok);
      assert.equal(jobs.length, 0, JSON.stringify(record.value.reasons));
      assert.ok(record.value.reasons.length > 0);
      assert.equal(entries.length, 3);
    }),
  );
});

test("proof mode reaches no engine, and an agent's tenant waits for a person", async () => {
  const { pipeline, jobs } = makeRig();
  const proof = await pipeline.process(sourceOf(), { ...REQUEST, mode: "proof" });
  const agent = await pipeline.process(sourceOf({}, "tenant-agent-7"), REQUEST);
  assert.ok(proof.ok && agent.ok);
  assert.deepEqual([proof.value.status, agent.value.status, jobs.length], ["verified", "held", 0]);
});

test("the job is what was granted: the very bytes, the policy's limits, arguments by entry, stdin only with its capability", async () => {
  const { pipeline, jobs, files } = makeRig();
  files["hello.json"] = '{"max_fuel":777,"capabilities":["stdout","stdin"]}';
  const manifest = utf8('{"format":"nightcore-manifest/v1","capabilities":["stdout"]}');
  const request = { ...REQUEST, args: ["a"], stdin: utf8("secret") };
  await pipeline.process(sourceOf({ manifest }), request);
  await pipeline.process(sourceOf({ manifest }), { ...request, operatorGrants: ["stdin"] });
  const [without, granted] = jobs;
  assert.equal(without?.bytes, MODULE);
  assert.equal(without?.budgets.fuel, 777);
  assert.deepEqual(without?.argv, ["hello", "a"]);
  assert.equal(without?.stdin.length, 0);
  assert.equal(granted?.stdin.length, 6);
  assert.notDeepEqual(without?.seed, granted?.seed);
});

test("statuses are never kinder than the guest was", async () => {
  for (const [report, status] of [
    [{ exitCode: 0 }, "ran"],
    [{ exitCode: 1 }, "failed"],
    [{ exitCode: 0xffffffff }, "failed"],
    [{ exitCode: undefined, fault: { code: "engine/trap", detail: "" } }, "failed"],
    [{ exitCode: 0, fault: { code: "engine/protocol", detail: "" } }, "failed"],
  ] as const) {
    const { pipeline, entries } = makeRig({ report });
    const record = await pipeline.process(sourceOf(), REQUEST);
    assert.ok(record.ok);
    const last = entries.find(({ kind }) => kind === "outcome");
    assert.ok(last?.kind === "outcome");
    assert.deepEqual([record.value.status, last.status], [status, status]);
  }
});

test("every recorded decision, decided again from its recorded facts, comes out the same", async () => {
  const { pipeline, entries } = makeRig();
  const manifests = [
    '{"permissions":[]}',
    '{"permissions":["fs:read"]}',
    "{",
    '{"permissions":["stdin"]}',
    '{"permissions":[],"fuel_limit":99999999999999}',
  ];
  for (let n = 0; n < 60; n++) {
    const manifest = utf8(manifests[n % manifests.length] ?? "");
    const tenant = n % 7 === 0 ? `tenant-agent-${n}` : `t${n % 3}`;
    await pipeline.process(sourceOf({ manifest, ...(n % 4 === 0 ? { signature: undefined } : {}) }, tenant), {
      ...REQUEST,
      mode: n % 5 === 0 ? "proof" : "run",
    });
  }
  const decisions = entries.filter((event) => event.kind === "decision");
  assert.equal(decisions.length, 60);
  for (const { facts, verdict, reasons, grant } of decisions) {
    const again = decide(facts as unknown as Facts);
    assert.deepEqual(
      JSON.parse(JSON.stringify([again.verdict, again.reasons, again.grant ?? null])),
      JSON.parse(JSON.stringify([verdict, reasons, grant])),
    );
  }
  assert.ok(new Set(decisions.map(({ verdict }) => verdict)).size >= 3, "allow, hold and deny are among them");
});

test("outputs of a batch are kept by their beginnings, of a single run whole", async () => {
  const stdout = new Uint8Array(200_000);
  const { pipeline } = makeRig({ report: { stdout } });
  const job = { source: sourceOf(), request: REQUEST };
  const one = await processAll(pipeline, [job], { concurrency: 1 });
  const two = await processAll(pipeline, [job, job], { concurrency: 2 });
  assert.ok(one.ok && two.ok);
  assert.equal(one.value[0]?.stdout.length, 200_000);
  assert.equal(two.value[0]?.stdout.length, 65_536);
});

test("large modules are not all held in memory at once, and each has its turn", async () => {
  const { pipeline } = makeRig();
  let held = 0;
  let heldMost = 0;
  const source: ModuleSource = {
    ...sourceOf(),
    sizeHint: () => 100 * 1024 * 1024,
    read() {
      held++;
      heldMost = Math.max(heldMost, held);
      queueMicrotask(() => held--);
      return GOOD;
    },
  };
  const one = { source, request: REQUEST };
  const huge = { source: { ...source, sizeHint: () => 1024 * 1024 * 1024 }, request: REQUEST };
  const records = await processAll(pipeline, [one, one, huge, one, one, one], { concurrency: 6 });
  assert.ok(records.ok);
  assert.equal(records.value.length, 6);
  assert.ok(heldMost <= 2, `${heldMost} at once`);
});

test("decoys follow from the policy and the seed; whoever touches one is blocked with its outcome", async () => {
  const fault = { code: "engine/canary", detail: "environment:SECRET" } as const;
  const { pipeline, entries, jobs, files } = makeRig({ report: { fault, exitCode: undefined } });
  files["_default.json"] = '{"canaries":["environment:SECRET","host:DB","file:/home/a"]}';
  const request = { ...REQUEST, env: ["DB=mine"] };
  const record = await pipeline.process(sourceOf(), request);
  assert.ok(record.ok);
  assert.equal(record.value.fault?.code, "engine/canary");
  const [job] = jobs;
  const planted = [
    { kind: "environment", name: "SECRET" },
    { kind: "file", name: "/home/a" },
  ] as const;
  assert.ok(job !== undefined);
  assert.deepEqual(job.canaries, makeCanaries(planted, job.seed, sha256), "a variable that the run has is no decoy");
  const intent = entries.find((event) => event.kind === "intent");
  assert.deepEqual(intent?.canaries, ["environment:SECRET", "file:/home/a"]);
  const block = entries.find((event) => event.kind === "block");
  assert.equal(JSON.stringify(block?.targets), JSON.stringify([{ kind: "digest", target: record.value.digest }]));
  assert.deepEqual([block?.cause, block?.causedBy, block?.run], ["canary", KEY_ID, record.value.run]);
  assert.match(block?.reason ?? "", /environment:SECRET/);
  const again = await pipeline.process(sourceOf(), request);
  assert.ok(again.ok && again.value.status === "quarantined");
});
