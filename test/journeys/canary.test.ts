import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { guest, GUESTS } from "./guests.ts";
import { Workspace } from "./workspace.ts";

// Opens /home/app/key, which stands behind /sandbox; it would print what it found.
const THIEF = guest(
  `(drop (call $path_open (i32.const 4) (i32.const 0) (i32.const 600) (i32.const 7) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 40)))
   (call $print (i32.const 1) (i32.const 1024) (call $read (i32.load (i32.const 40)))) (; $fd_read ;)`,
  '(data (i32.const 600) "app/key")',
);
const DECOYS = ["file:/home/app/key", "environment:AWS_SECRET_ACCESS_KEY", "host:DATABASE_HOST"];

test("whoever touches a decoy is ended and quarantined, and the decoy is named; the honest notice nothing", (context) => {
  const workspace = Workspace.make(context);
  workspace.writePolicy("_default", { canaries: DECOYS });
  workspace.addTenant("thief", {
    wasm: THIEF,
    manifest: { permissions: ["stdout", "fs:read"] },
    files: { "sandbox/data.txt": "d" },
  });
  workspace.addTenant("gossip", { wasm: GUESTS.environment });
  workspace.addTenant("reader", {
    wasm: GUESTS.file,
    manifest: { permissions: ["stdout", "fs:read"] },
    files: { "sandbox/data.txt": "mine" },
  });
  workspace.signAndTrust("thief", "gossip", "reader");
  workspace.expect(0, "generate-keys", "--out-dir", "keys", "--name", "bob");
  workspace.expect(0, "trust", "add", "keys/maintainers/bob.pub", "--role", "approver", "--tenant", "*");

  const honest = workspace.runOf("reader");
  assert.deepEqual([honest.status, honest.stdout.text], ["ran", "mine"]);
  const thief = workspace.runOf("thief");
  assert.deepEqual([thief.exit, thief.status, thief.fault?.code, thief.stdout.text], [1, "failed", "engine/canary", ""]);
  assert.match(thief.fault?.message ?? "", /file:\/home\/app\/key/);
  const gossip = workspace.expect(1, "run", "gossip");
  assert.match(gossip.stderr, /environment:AWS_SECRET_ACCESS_KEY \[engine\/canary\]/);

  assert.ok(existsSync(join(workspace.root, ".nightcore", "vault", `${thief.digest}.vault`)));
  assert.ok(!existsSync(join(workspace.root, "modules", "thief", "module.wasm")));
  assert.equal(workspace.runOf("thief").status, "quarantined");
  const blocks = workspace.json<{ quarantine: { id: string; cause: string; reason: string }[] }>("quarantine", "list").quarantine;
  assert.deepEqual(
    blocks.map(({ cause, reason }) => [cause, reason]),
    [
      ["canary", "it touched the decoy file:/home/app/key"],
      ["canary", "it touched the decoy environment:AWS_SECRET_ACCESS_KEY"],
    ],
  );
  // A replay plants the same decoys, and ends in the same place; for that the bytes have to be released first.
  assert.match(workspace.expect(2, "replay", thief.run).stderr, /quarantined/);
  const release = ["--key", "keys/maintainers/bob.key", "--comment", "to look at it"];
  workspace.expect(0, "quarantine", "release", blocks[0]?.id ?? "", ...release);
  workspace.expect(0, "replay", thief.run);
  workspace.expect(0, "replay", honest.run);

  for (const bad of [["file:/etc/passwd"], ["secret"], ["host:A", "environment:A"], ["file:/home/a", "file:/home/a/b"], [7]]) {
    writeFileSync(join(workspace.root, "policies", "_default.json"), JSON.stringify({ canaries: bad }));
    assert.notEqual(workspace.nightcore("policy", "check").exit, 0, JSON.stringify(bad));
  }
});
