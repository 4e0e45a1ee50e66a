import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Workspace } from "./workspace.ts";

/** Leaves the folder `d` with the file `report` (two bytes), and an empty file whose name misleads a terminal. */
const AUTHOR = `(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 0) "d/reporthi") (data (i32.const 16) "\\08\\00\\00\\00\\02\\00\\00\\00")
  (data (i32.const 64) "\\1b[2Jx")
  (func $must (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
  (func $make (param $at i32) (param $length i32)
    (call $must (call $open (i32.const 3) (i32.const 0) (local.get $at) (local.get $length) (i32.const 1)
      (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32))))
  (func (export "_start")
    (call $must (call $mkdir (i32.const 3) (i32.const 0) (i32.const 1)))
    (call $make (i32.const 0) (i32.const 8))
    (call $must (call $write (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i32.const 40)))
    (call $make (i32.const 64) (i32.const 5))))`;

type Listed = {
  readonly outputTree: { readonly digest: string; readonly files: number; readonly bytes: number } | null;
  readonly entries: readonly { readonly path: string; readonly file?: { readonly digest: string; readonly bytes: number } }[];
};

function makeAuthor(context: TestContext): Workspace {
  const workspace = Workspace.make(context);
  workspace.addTenant("author", { wasm: AUTHOR, manifest: { permissions: ["stdout", "fs:write"] } });
  workspace.writePolicy("author", { capabilities: ["stdout", "fs:write"] });
  workspace.signAndTrust("author");
  return workspace;
}

test("what a run leaves in /out is in its record, is listed, written out, and replayed", (context) => {
  const workspace = makeAuthor(context);
  const spoken = workspace.expect(0, "run", "author");
  assert.match(spoken.stderr, /it left 2 files, 2 bytes: nightcore output /);
  const { run } = workspace.runOf("author");
  const listed = workspace.json<Listed>("output", run);
  assert.deepEqual(
    listed.entries.map(({ path, file }) => [path, file?.bytes]),
    [
      ["\u001b[2Jx", 0],
      ["d", undefined],
      ["d/report", 2],
    ],
  );
  const receipt = workspace.expect(0, "receipt", "show", run).stdout;
  const { envelope } = (JSON.parse(receipt) as { entries: readonly { envelope: string }[] }).entries.at(-1) ?? { envelope: "" };
  const { payload } = JSON.parse(envelope) as { payload: string };
  assert.ok(
    Buffer.from(payload, "base64")
      .toString("utf8")
      .includes(listed.outputTree?.digest ?? "nothing"),
  );
  const told = workspace.expect(0, "output", run).stderr;
  assert.ok(!told.includes("\u001b[2J"), "a name does nothing to the terminal");

  workspace.expect(0, "output", run, "--to", "result");
  assert.equal(readFileSync(join(workspace.root, "result/d/report"), "utf8"), "hi");
  assert.equal(lstatSync(join(workspace.root, "result/\u001b[2Jx")).mode & 0o777, 0o644);
  assert.match(workspace.expect(2, "output", run, "--to", "result").stderr, /does not exist yet/);
  assert.match(workspace.expect(0, "replay", run).stderr, /identical/);
});

test("an output whose blobs are gone or changed is not written at all", (context) => {
  const workspace = makeAuthor(context);
  const { run } = workspace.runOf("author");
  const { digest = "" } = workspace.json<Listed>("output", run).entries.at(-1)?.file ?? {};
  const blob = join(workspace.root, ".nightcore/blobs", digest.slice(0, 2), digest.slice(2));
  assert.ok(existsSync(blob));
  writeFileSync(blob, "no");
  assert.match(workspace.expect(5, "output", run, "--to", "changed").stderr, /worker\/blob-missing/);
  rmSync(blob);
  assert.match(workspace.expect(5, "output", run, "--to", "changed").stderr, /worker\/blob-missing/);
  assert.ok(!existsSync(join(workspace.root, "changed")));
});

test("without the grant there is no /out, and a run that leaves nothing says so", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("author", { wasm: AUTHOR, manifest: { permissions: ["stdout", "fs:write"] } });
  workspace.addTenant("quiet");
  workspace.signAndTrust("author", "quiet");
  const denied = workspace.runOf("author");
  assert.deepEqual([denied.status, denied.reasons[0]?.code], ["denied", "guardian/capability-not-granted"]);
  const { run } = workspace.runOf("quiet");
  assert.match(workspace.expect(0, "output", run).stderr, /left nothing/);
  mkdirSync(join(workspace.root, "empty"));
  workspace.expect(0, "output", run, "--to", "none");
  assert.deepEqual(readdirSync(join(workspace.root, "none")), []);
});
