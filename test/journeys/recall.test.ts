import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { GUESTS, guest } from "./guests.ts";
import { Workspace } from "./workspace.ts";

type Recalled = {
  readonly runs: readonly { readonly run: string; readonly consumed?: { readonly digest: string; readonly of: string } }[];
  readonly outputs: readonly { readonly digest: string; readonly run: string; readonly what: string }[];
  readonly targets: readonly { readonly kind: string; readonly target: string }[];
  readonly blocks: readonly { readonly id: string }[] | null;
};

// Leaves the file /out/data.txt with the line `poison`.
const AUTHOR = guest(
  `(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 512) (i32.const 8) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 40)))
   (call $print (i32.load (i32.const 40)) (i32.const 600) (i32.const 7))`,
  '(data (i32.const 600) "poison\\n")',
);

test("what came of a stolen key is found through the runs that used it, and frozen", (context) => {
  const workspace = Workspace.make(context);
  const capabilities = ["stdout", "stdin", "fs:read", "fs:write"];
  workspace.writePolicy("_default", { capabilities });
  workspace.addTenant("author", { wasm: AUTHOR, manifest: { permissions: ["fs:write"] } });
  workspace.addTenant("reader", { wasm: GUESTS.file, manifest: { permissions: ["stdout", "fs:read"] } });
  workspace.addTenant("echo", { wasm: GUESTS.echo, manifest: { permissions: ["stdout", "stdin"] } });
  workspace.addTenant("hello");
  workspace.expect(0, "generate-keys", "--out-dir", "keys", "--name", "mallory");
  workspace.signAndTrust("reader", "echo", "hello");
  workspace.expect(0, "sign", "--dir", "modules/author", "--key", "keys/maintainers/mallory.key");
  workspace.expect(0, "trust", "add", "keys/maintainers/mallory.pub", "--tenant", "author");

  const innocent = workspace.runOf("hello").run;
  const author = workspace.runOf("author").run;
  const sandbox = join(workspace.root, "modules", "reader", "sandbox");
  workspace.expect(0, "output", author, "--to", "modules/reader/sandbox");
  const reader = workspace.runOf("reader");
  assert.equal(reader.stdout.text, "poison\n");
  // What the reader printed is what it read: the same bytes, handed on as another one's input.
  const echo = workspace.runOf("echo", "--stdin", join(sandbox, "data.txt"));
  assert.equal(echo.status, "ran");

  const { keyId } = workspace
    .json<{ keys: { keyId: string; name: string }[] }>("trust", "list")
    .keys.find(({ name }) => name === "mallory") ?? { keyId: "" };
  const listed = workspace.json<Recalled>("recall", "--key", keyId.slice(0, 8), "--list");
  assert.deepEqual(
    listed.runs.map(({ run, consumed }) => [run, consumed?.of]),
    [
      [author, undefined],
      [reader.run, author],
      [echo.run, listed.runs[2]?.consumed?.of],
    ],
  );
  assert.ok(!listed.runs.some(({ run }) => run === innocent));
  assert.equal(listed.blocks, null);
  assert.equal(workspace.runOf("author").status, "ran", "a list freezes nothing");
  assert.equal(workspace.nightcore("recall", "--key", keyId).exit, 2, "without a reason");

  const spoken = workspace.expect(0, "recall", "--key", keyId, "--reason", "stolen");
  assert.match(spoken.stdout, new RegExp(`run +${reader.run} .* given [0-9a-f]{16} of ${author}`));
  assert.match(spoken.stderr, /4 runs, .* frozen by 3 blocks/);
  assert.equal(workspace.runOf("author").reasons[0]?.code, "guardian/signer-blocked");
  assert.equal(workspace.runOf("reader").reasons[0]?.code, "guardian/input-blocked");
  assert.equal(workspace.runOf("hello").status, "ran");
  assert.equal(workspace.nightcore("output", author).exit, 3);
  assert.match(workspace.nightcore("replay", reader.run).stderr, /in quarantine/);
  const poison = listed.outputs.find(({ what }) => what === "file")?.digest ?? "";
  assert.ok(existsSync(join(workspace.root, ".nightcore", "vault", `${poison}.vault`)));
  assert.equal(readFileSync(join(sandbox, "data.txt"), "utf8"), "poison\n", "the operator's own files are not touched");
  // Recalling again finds the same, from what is in the vault now.
  const again = workspace.json<Recalled>("recall", "--tenant", "author", "--list");
  assert.deepEqual(
    again.runs.filter(({ consumed }) => consumed !== undefined).map(({ run }) => run),
    [reader.run, echo.run],
  );
  rmSync(sandbox, { recursive: true });
  workspace.expect(0, "ledger", "verify");
  for (const bad of [[], ["--key", "0000"], ["--digest", "x"], ["--policy-version", "99"], ["--tenant", "a", "--digest", poison]])
    assert.equal(workspace.nightcore("recall", ...bad, "--list").exit, 2, bad.join(" "));
  const version = workspace.json<Recalled>("recall", "--policy-version", "2", "--list");
  assert.ok(version.runs.length >= 6);
});
