import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { CEDAR_COMPILER } from "#cedar";
import type { Digest, RunId } from "#core";
import { nameRules } from "#guardian";
import { type DecisionEvent, type Event, MemoryRows } from "#state";
import { publicKeyOf, sha256 } from "#store/keys";
import { openLedgerReader, openLedgerWriter } from "#store/tiles";
import { layOut } from "#store/workspace";
import { Recorder } from "#worker";
import { openRecordedAnswers } from "./recorded-answers.ts";

const QUESTION = "ab".repeat(32) as Digest;
const OTHER = "cd".repeat(32) as Digest;

type Said = Partial<DecisionEvent>;

function decision(said: Said = {}): Event {
  return {
    ...{ kind: "decision", run: "r" as RunId, tenant: "t", at: "2026-01-01T00:00:00.000Z", digest: null, mode: "run" },
    ...{ verdict: "allow", reasons: [], grant: null, permits: ["p"], facts: null, question: QUESTION },
    engine: nameRules({ name: CEDAR_COMPILER }),
    ...said,
  };
}

const newKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey;

/** A log with these events and the rows that follow from it, published or only in the journal. */
async function record(
  t: TestContext,
  events: readonly Event[],
  { key = newKey(), published = true }: { readonly key?: KeyObject; readonly published?: boolean } = {},
) {
  const root = mkdtempSync(join(tmpdir(), "nightcore-answers-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const layout = layOut(root);
  const opened = await openLedgerWriter({ folder: layout.ledger, origin: "t.example/log", key, thread: false, create: true });
  assert.ok(opened.ok, JSON.stringify(opened));
  const rows = new MemoryRows();
  const recorder = new Recorder({ ledger: opened.value, rows, sha256 }, 0);
  const recorded = await recorder.record(events.map((event) => ({ about: { name: "t", digest: null }, event })));
  assert.ok(recorded.ok);
  if (published) assert.ok((await opened.value.close()).ok);
  else t.after(() => opened.value.close());
  return { layout, rows, publicKey: publicKeyOf(key) };
}

type Log = Awaited<ReturnType<typeof record>>;

const find = ({ layout, rows, publicKey }: Log, question = QUESTION) =>
  openRecordedAnswers({ layout, rows, publicKey }).find(question);
const ANSWER = { permits: ["p"], reasons: [], asked: { question: QUESTION, answeredBy: 1 } };

/** Points a question to an entry, as somebody would who may write the projection and nothing else. */
function forge({ rows }: Log, question: Digest, log_index: number): void {
  rows.put("answers", { slot: question.slice(0, 3), question, log_index });
}

for (const published of [true, false])
  test(`an answer is ${published ? "read from an entry that is published" : "not taken from one in the journal"}`, async (t) => {
    const log = await record(t, [decision({ verdict: "deny" }), decision()], { published });
    const reader = openLedgerReader({ folder: log.layout.ledger });
    assert.deepEqual(reader.ok && [reader.value.size, reader.value.published.size], [2, published ? 2 : 0]);
    assert.deepEqual(find(log), published ? ANSWER : undefined);
    assert.equal(find(log, OTHER), undefined);
  });

test("whoever writes the projection makes no answer: the entry has to say it", async (t) => {
  const log = await record(t, [decision({ question: OTHER }), decision({ verdict: "hold" }), decision({ answeredBy: 0 })]);
  assert.equal(find(log), undefined);
  for (const index of [0, 1, 2, 3, 1_000_000]) {
    forge(log, QUESTION, index);
    assert.equal(find(log), undefined, `entry ${index}`);
  }
  forge(log, OTHER, 0);
  assert.deepEqual(find(log, OTHER)?.asked, { question: OTHER, answeredBy: 0 }, "a control: one that says it does");
});

test("an entry that another key signed is no answer", async (t) => {
  const events = [decision({ verdict: "deny" }), decision()];
  const [ours, theirs] = [await record(t, events), await record(t, events)];
  assert.deepEqual(find(theirs), ANSWER, "a control: it is one under its own key");
  rmSync(ours.layout.ledger, { recursive: true });
  cpSync(theirs.layout.ledger, ours.layout.ledger, { recursive: true });
  assert.equal(find(ours), undefined);
});

test("an entry in which one byte is another is no answer, nor is what cannot be read or is gone", async (t) => {
  const log = await record(t, [decision({ verdict: "deny" }), decision()]);
  const bundle = join(log.layout.ledger, "public/tile/entries/000.p/2");
  const reader = openLedgerReader({ folder: log.layout.ledger });
  assert.ok(reader.ok);
  const bytes = Buffer.concat([...reader.value.entries(0, 2)].flatMap((entry) => [lengthOf(entry), entry]));
  writeFileSync(bundle, bytes);
  assert.deepEqual(find(log), ANSWER, "a control: these are the bytes");
  // Within the payload of the second entry, and still base64.
  const at = bytes.indexOf("payload", 2 + bytes.readUInt16BE(0)) + 100;
  bytes[at] = bytes[at] === 0x41 ? 0x42 : 0x41;
  writeFileSync(bundle, bytes);
  assert.equal(find(log), undefined, "changed");
  writeFileSync(bundle, bytes.subarray(0, 100));
  assert.equal(find(log), undefined, "cut");
  rmSync(bundle);
  assert.equal(find(log), undefined, "the bundle is gone");
  rmSync(log.layout.ledger, { recursive: true });
  assert.equal(find(log), undefined, "the log is gone");
});

function lengthOf(entry: Uint8Array): Uint8Array {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(entry.length);
  return length;
}

test("what is expected is read ahead where the newest decision was answered by it, and found then", async (t) => {
  const facts = { policyVersion: { number: 1, digest: OTHER } };
  const log = await record(t, [decision(), decision({ answeredBy: 0, facts })]);
  const answers = openRecordedAnswers(log);
  assert.equal(answers.expect(QUESTION), false, "another version");
  assert.equal(answers.expect(OTHER), true);
  rmSync(log.layout.ledger, { recursive: true });
  assert.deepEqual(answers.find(QUESTION)?.asked, { question: QUESTION, answeredBy: 0 });
  assert.equal(openRecordedAnswers(log).expect(OTHER), false, "what cannot be read is not expected");
});
