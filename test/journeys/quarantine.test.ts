import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { guest } from "./guests.ts";
import { assemble, GREETER, Workspace } from "./workspace.ts";

type Released = { readonly releases: readonly { readonly state: string; readonly finding: { readonly code: string } | null }[] };

/** A workspace in which bob and carol may release what alice signed. */
function makeWorkspace(
  context: TestContext,
  tenants: readonly string[],
  policies: Readonly<Record<string, object>> = {},
): Workspace {
  const workspace = Workspace.make(context);
  for (const [name, policy] of Object.entries(policies)) workspace.writePolicy(name, policy);
  for (const tenant of tenants) workspace.addTenant(tenant);
  workspace.signAndTrust(...tenants);
  workspace.expect(0, "generate-keys", "--out-dir", "keys", "--name", "bob", "--name", "carol");
  for (const name of ["bob", "carol"])
    workspace.expect(0, "trust", "add", `keys/maintainers/${name}.pub`, "--role", "approver", "--tenant", "*");
  return workspace;
}

const release = (workspace: Workspace, block: string, name: string) =>
  workspace.json<Released>("quarantine", "release", block, "--key", `keys/maintainers/${name}.key`, "--comment", "looked at");

const statesOf = ({ releases }: Released) => releases.map(({ state, finding }) => finding?.code ?? state);

test("bytes in quarantine are moved away, held back after a restart, and come back when an approver releases them", (context) => {
  const workspace = makeWorkspace(context, ["hello"]);
  const folder = join(workspace.root, "modules", "hello");
  const { digest = "" } = workspace.runOf("hello");
  workspace.expect(0, "quarantine", "add", "hello", "--reason", "under investigation");
  const vaulted = join(workspace.root, ".nightcore", "vault", `${digest}.vault`);
  assert.equal(statSync(vaulted).mode & 0o777, 0o600);
  assert.equal(statSync(join(vaulted, "..")).mode & 0o777, 0o700);
  assert.notEqual(readFileSync(vaulted).subarray(0, 4).toString("latin1"), "\0asm", "nothing loads it as a module");
  assert.ok(!existsSync(join(folder, "module.wasm")));
  assert.ok(!existsSync(join(workspace.root, ".nightcore", "blobs", digest.slice(0, 2), digest.slice(2))));

  const refused = workspace.runOf("hello");
  assert.equal(refused.exit, 3);
  assert.deepEqual([refused.status, refused.reasons[0]?.code], ["quarantined", "source/quarantined"]);
  assert.match(refused.reasons[0]?.message ?? "", /under investigation/);
  // Whoever drops the bytes in again, under any name, finds them blocked, and they go the same way.
  writeFileSync(join(folder, "module.wasm"), assemble(GREETER));
  assert.equal(workspace.runOf("hello").reasons[0]?.code, "guardian/quarantined");
  assert.ok(!existsSync(join(folder, "module.wasm")));
  workspace.expect(0, "state", "rebuild");

  const [listed] = workspace.json<{ quarantine: { id: string }[] }>("quarantine", "list").quarantine;
  const id = listed?.id ?? "";
  assert.match(workspace.expect(0, "quarantine", "show", id).stdout, /under investigation[^]*bytes in the vault/);
  assert.deepEqual(statesOf(release(workspace, id, "alice")), ["trust/key-wrong-role"], "who signed it is no approver");
  assert.equal(workspace.runOf("hello").status, "quarantined");
  assert.deepEqual(statesOf(release(workspace, id, "bob")), ["released"]);
  assert.ok(!existsSync(vaulted));
  assert.equal(workspace.runOf("hello").status, "ran");
  assert.equal(workspace.nightcore("quarantine", "release", id, "--key", "keys/maintainers/bob.key", "--comment", "c").exit, 2);
  assert.match(workspace.expect(0, "quarantine", "list", "--all").stdout, /released/);
  assert.match(workspace.expect(0, "quarantine", "show", id).stdout, /consent of bob/);
  workspace.expect(0, "ledger", "verify");
});

test("a signer, a tenant and a set of imports are blocked, each with its own code", (context) => {
  const workspace = makeWorkspace(context, ["hello", "silent"]);
  const silent = workspace.addTenant("silent", { wasm: guest("(nop)") });
  workspace.expect(0, "sign", "--dir", silent, "--key", "keys/maintainers/alice.key");
  const { keyId } = workspace
    .json<{ keys: { keyId: string; name: string }[] }>("trust", "list")
    .keys.find(({ name }) => name === "alice") ?? {
    keyId: "",
  };
  const rows = [
    [["--tenant", "hello"], "guardian/tenant-blocked"],
    [["--signer", keyId.slice(0, 8)], "guardian/signer-blocked"],
    [["--imports", "wasi_snapshot_preview1.fd_write"], "guardian/imports-blocked"],
  ] as const;
  for (const [options, code] of rows) {
    workspace.expect(0, "quarantine", "add", ...options, "--reason", "r");
    const [only] = workspace.json<{ quarantine: { id: string }[] }>("quarantine", "list").quarantine;
    const refused = workspace.runOf("hello");
    assert.deepEqual([refused.status, refused.reasons[0]?.code], ["quarantined", code]);
    assert.deepEqual(statesOf(release(workspace, only?.id ?? "", "bob")), ["released"]);
    assert.equal(workspace.runOf("hello").status, "ran");
  }
  for (const bad of [["--imports", "fd_write"], ["--tenant", "../x"], ["--signer", "00000000"], []])
    assert.equal(workspace.nightcore("quarantine", "add", ...bad, "--reason", "r").exit, 2, bad.join(" "));
  assert.equal(workspace.nightcore("quarantine", "add", "--tenant", "hello").exit, 2, "without a reason");
});

test("a workspace can ask for two persons, and one person is one, under however many releases", (context) => {
  const workspace = makeWorkspace(context, ["hello"], { _default: { release_approvals: [{ role: "approver", count: 2 }] } });
  workspace.expect(0, "quarantine", "add", "--tenant", "hello", "--reason", "r");
  const [only] = workspace.json<{ quarantine: { id: string }[] }>("quarantine", "list").quarantine;
  const id = only?.id ?? "";
  assert.deepEqual(statesOf(release(workspace, id, "bob")), ["consented"]);
  assert.deepEqual(statesOf(release(workspace, id, "bob")), ["worker/release-repeated"]);
  assert.equal(workspace.runOf("hello").status, "quarantined");
  workspace.expect(0, "trust", "revoke", keyOf(workspace, "carol"), "--reason", "left");
  assert.deepEqual(statesOf(release(workspace, id, "carol")), ["trust/key-revoked"]);
});

function keyOf(workspace: Workspace, wanted: string): string {
  return (
    workspace.json<{ keys: { keyId: string; name: string }[] }>("trust", "list").keys.find(({ name }) => name === wanted)
      ?.keyId ?? ""
  );
}

test("what died between the record and the move is moved by the next command", (context) => {
  const workspace = makeWorkspace(context, ["hello", "other"]);
  const { digest = "" } = workspace.runOf("hello");
  const vault = join(workspace.root, ".nightcore", "vault");
  // A vault that cannot be written: the block is recorded, and nothing has moved.
  writeFileSync(vault, "");
  assert.notEqual(workspace.nightcore("quarantine", "add", digest, "--reason", "r").exit, 0);
  rmSync(vault);
  assert.ok(existsSync(join(workspace.root, "modules", "hello", "module.wasm")));
  // The other death: it was on its way, under the name that nothing loads.
  const other = join(workspace.root, "modules", "other");
  writeFileSync(join(other, "module.wasm.leaving"), assemble(GREETER));
  rmSync(join(other, "module.wasm"));
  workspace.expect(0, "trust", "list");
  workspace.expect(3, "run", "other");
  for (const tenant of ["hello", "other"]) {
    const left = readdirSync(join(workspace.root, "modules", tenant));
    assert.ok(!left.some((name) => name.startsWith("module.wasm")), left.join(" "));
    assert.ok(left.includes("module.quarantine.json"));
  }
  assert.deepEqual(readdirSync(vault).toSorted(), [`${digest}.vault`, "settled"].toSorted());
});

test("an input in quarantine is given to nobody", (context) => {
  const workspace = makeWorkspace(context, ["hello"], { echo: { capabilities: ["stdout", "stdin"] } });
  writeFileSync(join(workspace.root, "data"), "hello\n");
  const folder = workspace.addTenant("echo", {
    wasm: guest("(drop (call $read (i32.const 0))) (; $fd_read ;)"),
    manifest: { permissions: ["stdin"] },
  });
  workspace.expect(0, "sign", "--dir", folder, "--key", "keys/maintainers/alice.key");
  workspace.expect(0, "trust", "add", "keys/maintainers/alice.pub", "--tenant", "echo");
  assert.equal(workspace.runOf("echo", "--stdin", "data").status, "ran");
  // The digest of `hello\n`, which hello printed.
  const printed = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
  workspace.runOf("hello");
  workspace.expect(0, "quarantine", "add", printed, "--reason", "poisoned");
  const refused = workspace.runOf("echo", "--stdin", "data");
  assert.deepEqual([refused.status, refused.reasons[0]?.code], ["quarantined", "guardian/input-blocked"]);
});
