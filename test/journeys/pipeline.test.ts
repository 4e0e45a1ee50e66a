import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type RunSaid, Workspace } from "./workspace.ts";

type Report = { readonly tenants: readonly { readonly name: string; readonly status: string; readonly sha: string }[] };
type ReceiptSaid = {
  readonly verified: boolean;
  readonly fault: { readonly code: string } | null;
  readonly events: readonly { readonly event: { readonly kind: string; readonly status?: string; readonly exitCode?: number } }[];
};

test("sign, trust, run, and prove it with nothing but the receipt and the log's key", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");

  const spoken = workspace.expect(0, "run", "hello");
  assert.equal(spoken.stdout, "hello\n", "what the guest printed, and nothing else, is on stdout");
  assert.match(spoken.stderr, /ran +hello/);

  const { run, indexes } = workspace.runOf("hello");
  assert.equal(indexes.length, 2, "the passage and the outcome");
  const receipt = join(workspace.root, "receipt.json");
  writeFileSync(receipt, workspace.expect(0, "receipt", "show", run).stdout);
  const vkey = workspace.expect(0, "ledger", "vkey").stdout.trim();

  // Elsewhere: no workspace, no state, only the two texts.
  const stranger = new Workspace(join(workspace.root, "logs"));
  const said = stranger.json<ReceiptSaid>("receipt", "verify", receipt, "--log-key", vkey);
  assert.equal(said.exit, 0);
  assert.deepEqual(
    said.events.map(({ event }) => event.kind),
    ["admission", "verification", "decision", "intent", "outcome"],
  );
  assert.equal(said.events.at(-1)?.event.exitCode, 0);

  const text = readFileSync(receipt, "utf8");
  for (const [what, forged] of [
    [
      "another run",
      text.replace(
        run,
        run.replace(/.$/, (c) => (c === "0" ? "1" : "0")),
      ),
    ],
    ["another checkpoint", text.replace(/test\.example\/log\\n\d+/, "test.example/log\\n9999")],
    [
      "a payload of one other byte",
      text.replace(/payload\\":\\"(.)/, (_, c: string) => `payload\\":\\"${c === "e" ? "f" : "e"}`),
    ],
  ] as const) {
    assert.notEqual(forged, text, what);
    writeFileSync(receipt, forged);
    const refused = stranger.json<ReceiptSaid>("receipt", "verify", receipt, "--log-key", vkey);
    assert.equal(refused.exit, 4, what);
    assert.equal(refused.verified, false, what);
  }
  writeFileSync(receipt, text);
  const otherKey = Workspace.make(context).expect(0, "ledger", "vkey").stdout.trim();
  assert.equal(stranger.nightcore("receipt", "verify", receipt, "--log-key", otherKey).exit, 4, "another log's key");
  workspace.expect(0, "ledger", "verify");
});

test("run --all writes v39's report with ours added, a page, and exits with the greatest code", (context) => {
  const workspace = Workspace.make(context);
  for (const tenant of ["a", "b", "<script>"]) workspace.addTenant(tenant);
  workspace.addTenant("fails", { wasm: `(module (func (export "_start") unreachable))` });
  workspace.signAndTrust("a", "<script>", "fails");
  assert.equal(workspace.nightcore("run", "--all").exit, 3, "b is unsigned");
  const report = JSON.parse(readFileSync(join(workspace.root, "logs", "orchestration_report.json"), "utf8")) as Report;
  const statuses = Object.fromEntries(report.tenants.map(({ name, status }) => [name, status]));
  assert.equal(statuses["a"], "ok");
  assert.match(statuses["b"] ?? "", /^error: .*not signed/);
  assert.match(statuses["fails"] ?? "", /^error: .*trapped/);
  assert.match(report.tenants[0]?.sha ?? "", /^[0-9A-F]{64}$/);
  const page = readFileSync(join(workspace.root, "logs", "nightcore_dashboard.html"), "utf8");
  assert.ok(page.includes("&lt;script&gt;") && !/<td[^>]*><script>/.test(page));

  writeFileSync(join(workspace.root, "modules", "b", "manifest.json"), "{");
  workspace.expect(3, "run", "--all", "--parallel", "1");
  workspace.expect(0, "export-dashboard", "--diff");
  assert.ok(existsSync(join(workspace.root, "logs", "nightcore_history_dashboard.html")));
  assert.equal(workspace.nightcore("run", "fails").exit, 1);
  assert.equal(workspace.nightcore("run", "a").exit, 0);
});

test("proof mode verifies and decides, is recorded as that, and executes nothing", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  const proof = workspace.runOf("hello", "--proof");
  assert.equal(proof.status, "verified");
  assert.equal(proof.stdout.text, "");
  assert.equal(proof.usage, undefined);
  assert.equal(proof.indexes.length, 1, "no outcome");
  const { tenants } = workspace.json<{ readonly tenants: readonly { readonly executed: number; readonly total: number }[] }>(
    "inspect-state",
    "--tenant",
    "hello",
  );
  assert.deepEqual([tenants[0]?.executed, tenants[0]?.total], [0, 1]);
  assert.equal(workspace.nightcore("verify", "hello").exit, 0);
  workspace.addTenant("bare");
  assert.equal(workspace.nightcore("verify", "bare").exit, 4);
});

test("entries: from the command, from the manifest, with numbers, and never `ok` without one", (context) => {
  const workspace = Workspace.make(context);
  const adder = `(module (func (export "add") (param i32 i64) (result i64) (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1))))`;
  workspace.addTenant("adder", { wasm: adder });
  workspace.addTenant("named", { wasm: adder, manifest: { permissions: [], entry: "add" } });
  workspace.signAndTrust("adder", "named");
  assert.equal(workspace.runOf("adder").reasons[0]?.code, "guardian/no-entry");
  assert.deepEqual(workspace.runOf("adder", "--entry", "add", "--arg=-5", "--arg", "47").results, ["42"]);
  assert.deepEqual(workspace.runOf("named", "--arg", "1").results, ["1"]);
  assert.equal(workspace.runOf("named", "--arg", "many").fault?.code, "engine/bad-argument");
});

test("what the guest is granted: its sandbox only with fs:read, and fs:read only within the policy", (context) => {
  const workspace = Workspace.make(context);
  // Exit code: the errno of fd_prestat_get(3): 0 when something is mounted, 8 (EBADF) when nothing is.
  const prober = `(module
    (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call $exit (call $prestat (i32.const 3) (i32.const 0)))))`;
  workspace.addTenant("prober", { wasm: prober, manifest: { permissions: ["stdout"] }, files: { "sandbox/a.txt": "a" } });
  workspace.signAndTrust("prober");
  assert.equal(workspace.runOf("prober").exitCode, 8);
  assert.equal(workspace.runOf("prober", "--allow", "fs:read").exitCode, 0);
  workspace.writePolicy("prober", { capabilities: ["stdout"] });
  assert.equal(workspace.runOf("prober", "--allow", "fs:read").reasons[0]?.code, "guardian/capability-not-granted");
  assert.equal(workspace.nightcore("run", "prober", "--allow", "everything").exit, 2);
});

test("the projection is thrown away and comes back with the same content", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  workspace.nightcore("run", "hello");
  workspace.expect(0, "quarantine", "add", "modules/hello", "--reason", "under investigation");
  const said = workspace.json<{ readonly digest: string; readonly before: string }>("state", "rebuild");
  assert.equal(said.digest, said.before);
  assert.equal(said.exit, 0);
  const refused = workspace.runOf("hello");
  assert.equal(refused.status, "quarantined");
  assert.equal(refused.exit, 3);
});

test("keys: never overwritten, 0600, encrypted on request, and v39's seeds are read", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.expect(0, "generate-keys", "--out-dir", "keys");
  assert.equal(workspace.nightcore("generate-keys", "--out-dir", "keys").exit, 2);
  writeFileSync(join(workspace.root, "secret"), "correct horse\n");
  workspace.expect(
    0,
    "generate-keys",
    "--out-dir",
    "keys",
    "--name",
    "locked",
    "--encrypt",
    "--passphrase-file",
    join(workspace.root, "secret"),
  );
  assert.match(readFileSync(join(workspace.root, "keys/maintainers/locked.key"), "utf8"), /BEGIN ENCRYPTED PRIVATE KEY/);
  const sign = ["sign", "--dir", "modules/hello", "--key", "keys/maintainers/locked.key"];
  assert.match(workspace.nightcore(...sign).stderr, /keys\/passphrase-needed/);
  workspace.expect(0, ...sign, "--passphrase-file", join(workspace.root, "secret"));
  writeFileSync(join(workspace.root, "wrong"), "battery staple");
  assert.match(workspace.nightcore(...sign, "--passphrase-file", join(workspace.root, "wrong")).stderr, /keys\/passphrase-wrong/);
  // RFC 8032, section 7.1, test 1: a seed, and the public key that belongs to it.
  writeFileSync(
    join(workspace.root, "v39.key"),
    Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex").toString("base64"),
  );
  workspace.expect(0, "sign", "--dir", "modules/hello", "--key", "v39.key");
  const publicKey = Buffer.from("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "hex").toString("base64");
  assert.equal(readFileSync(join(workspace.root, "modules/hello/pubkey.b64"), "utf8").trim(), publicKey);
});

test("trust: times, roles, revocation by the beginning of an id, and an edited store stops everything", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  const { keys } = workspace.json<{ readonly keys: readonly { readonly keyId: string }[] }>("trust", "list");
  const id = keys[0]?.keyId ?? "";
  const store = join(workspace.root, "trust", "store.json");
  const recorded = readFileSync(store, "utf8");
  workspace.expect(0, "trust", "revoke", id.slice(0, 12), "--reason", "laptop stolen");
  assert.equal(workspace.runOf("hello").reasons[0]?.code, "trust/key-revoked");
  assert.equal(workspace.nightcore("trust", "add", "keys/maintainers/alice.pub", "--tenant", "hello").exit, 2);

  // Putting the store from before the revocation back undoes nothing: the log knows better.
  const revoked = readFileSync(store, "utf8");
  writeFileSync(store, recorded);
  const spoken = workspace.nightcore("run", "hello");
  assert.equal(spoken.exit, 5);
  assert.match(spoken.stderr, /trust\/store-not-recorded/);
  writeFileSync(store, revoked);
  assert.equal(workspace.nightcore("run", "hello").exit, 3);
  const untrusted: RunSaid = workspace.runOf("hello");
  assert.equal(untrusted.signature.trusted, false);
});
