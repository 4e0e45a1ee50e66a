import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fail, ok, parseTenantName, utf8 } from "#core";
import type { InboxFault, PendingFile } from "#ports";
import { evolve, MemoryRows } from "#state";
import { sha256, verifyEd25519 } from "#store/keys";
import { judgeSubmission, nameTenant } from "./submission.ts";

const AT = "2026-06-01T00:00:00.000Z";
const WASM = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const crypto = { sha256, verifyEd25519 };

function file(change: Partial<PendingFile> = {}): PendingFile {
  return { name: "greet.zip", owner: { uid: 7, account: "agent" }, content: ok(utf8("the archive")), ...change };
}

function judge(files: Readonly<Record<string, Uint8Array | string>>, change: Partial<PendingFile> = {}, rows = new MemoryRows()) {
  const unpacked = new Map(
    Object.entries(files).map(([name, content]) => [name, typeof content === "string" ? utf8(content) : content]),
  );
  return judgeSubmission({ file: file(change), unpacked: ok(unpacked) }, AT, { rows, crypto, moduleBytesMax: 1024 });
}

test("what is sound is taken in, with a manifest that asks for nothing but to print where there is none", () => {
  const { event, acceptance } = judge({ "module.wasm": WASM, "submission.json": '{"submitter":"mallory","note":"hi"}' });
  assert.equal(event.finding, null);
  assert.equal(event.tenant, "tenant-agent-greet");
  assert.deepEqual(event.submitter, { uid: 7, account: "agent", claimed: { submitter: "mallory", agent: null, note: "hi" } });
  assert.deepEqual([...(acceptance?.files.keys() ?? [])].toSorted(), ["manifest.json", "module.wasm"], "claims are not placed");
  const manifest = JSON.parse(Buffer.from(acceptance?.files.get("manifest.json") ?? []).toString()) as object;
  assert.deepEqual(manifest, { format: "nightcore-manifest/v1", capabilities: ["stdout"], source: "agent" });
});

test("what is not is refused, and placed nowhere", () => {
  const good = { "module.wasm": WASM };
  const rows: readonly (readonly [what: string, judged: ReturnType<typeof judge>, code: string])[] = [
    ["native code", judge({ "module.wasm": "\u007fELF" }), "wasm/elf"],
    ["nothing", judge({ "module.wasm": "" }), "wasm/empty"],
    ["too much", judge({ "module.wasm": Buffer.concat([WASM, Buffer.alloc(1024)]) }), "wasm/too-large"],
    ["another kind of file", judge(good, { name: "greet.exe" }), "inbox/wrong-kind"],
    ["a name of nothing", judge(good, { name: "---.wasm" }), "inbox/name-unusable"],
    ["a manifest that is none", judge({ ...good, "manifest.json": "{" }), "trust/manifest-not-json"],
    ["a permission that is unknown", judge({ ...good, "manifest.json": '{"permissions":["root"]}' }), "trust/manifest-refused"],
    [
      "another tenant's manifest",
      judge({ ...good, "manifest.json": '{"tenant":"hello","permissions":[]}' }),
      "trust/manifest-refused",
    ],
    ["claims that are none", judge({ ...good, "submission.json": "[]" }), "inbox/claims-malformed"],
    ["a claim that nobody knows", judge({ ...good, "submission.json": '{"approved":"yes"}' }), "inbox/claims-malformed"],
    ["an inherited name as a claim", judge({ ...good, "submission.json": '{"toString":"x"}' }), "inbox/claims-malformed"],
    ["a claim of a novel", judge({ ...good, "submission.json": `{"note":"${"a".repeat(201)}"}` }), "inbox/claims-malformed"],
  ];
  for (const [what, { event, acceptance }, code] of rows) {
    assert.equal(event.finding?.code, code, what);
    assert.equal(acceptance, undefined, what);
    assert.deepEqual([event.tenant, event.digest], [null, null], what);
  }
  const fault: InboxFault = { code: "inbox/archive-malformed", detail: "" };
  const unread = judgeSubmission({ file: file({ content: fail(fault) }), unpacked: fail(fault) }, AT, {
    rows: new MemoryRows(),
    crypto,
    moduleBytesMax: 1,
  });
  assert.equal(unread.event.finding?.code, "inbox/archive-malformed");
  assert.equal(unread.event.container, null);
});

test("a tenant belongs to the account that submitted it first", () => {
  const rows = new MemoryRows();
  const first = judge({ "module.wasm": WASM }, {}, rows);
  evolve(rows, { kind: "submission", ...first.event }, { index: 0 });
  assert.equal(judge({ "module.wasm": WASM }, {}, rows).event.finding, null);
  const other = judge({ "module.wasm": WASM }, { owner: { uid: 8, account: "mallory" } }, rows);
  assert.equal(other.event.finding?.code, "inbox/tenant-of-another");
  assert.equal(
    judge({ "module.wasm": WASM }, { name: "other.wasm", owner: { uid: 8, account: "mallory" } }, rows).event.finding,
    null,
  );
});

test("whatever a file is called, it names a tenant of the inbox or none", () => {
  const word = fc.string({ unit: "binary", maxLength: 80 });
  fc.assert(
    fc.property(word, fc.constantFrom(".wasm", ".zip", ".WASM", ""), (stem, ending) => {
      const named = nameTenant(`${stem}${ending}`);
      if (!named.ok) return;
      assert.match(named.value, /^tenant-agent-[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/);
      assert.ok(parseTenantName(named.value).ok);
    }),
  );
  assert.deepEqual(nameTenant("Resize images (2).ZIP"), { ok: true, value: "tenant-agent-resize-images-2" });
  assert.deepEqual(nameTenant("../../etc/passwd.wasm"), { ok: true, value: "tenant-agent-etc-passwd" });
});
