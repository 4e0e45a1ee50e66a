import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { toolEnvironment } from "../../tools/repository.ts";
import { LAUNCHER, Workspace } from "./workspace.ts";

/** Prints an escape sequence in two pieces and half a character, and then does `then`. */
const printer = (then: string): string => `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\20\\00\\00\\00\\02\\00\\00\\00\\22\\00\\00\\00\\05\\00\\00\\00") (data (i32.const 32) "a\\1b[2J\\e2\\82")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 64)))
    ${then}))`;
const PRINTED = Buffer.from([0x61, 0x1b, 0x5b, 0x32, 0x4a, 0xe2, 0x82]);

function makePrinter(context: TestContext, then: string): Workspace {
  const workspace = Workspace.make(context);
  workspace.addTenant("printer", {
    wasm: printer(then),
    manifest: { permissions: ["stdout"], fuel_limit: 9e15, timeout_ms: 300_000 },
  });
  workspace.writePolicy("printer", { max_exec_ms: 300_000, max_fuel: 9e15 });
  workspace.signAndTrust("printer");
  return workspace;
}

test("with --stream a guest that never ends is heard before it is cancelled", async (context) => {
  const workspace = makePrinter(context, "(loop $l (br $l))");
  const child = spawn(process.execPath, [LAUNCHER, "run", "printer", "--stream"], {
    cwd: workspace.root,
    env: toolEnvironment().env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  context.after(() => child.kill("SIGKILL"));
  const heard: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => {
    heard.push(chunk);
    if (Buffer.concat(heard).length === PRINTED.length) child.kill("SIGTERM"); // nothing else would end it in five minutes
  });
  child.stderr.resume();
  const [exit] = (await once(child, "close")) as [number | null];
  assert.equal(exit, 1);
  assert.deepEqual(Buffer.concat(heard), PRINTED, "its bytes, each of them once");
  workspace.expect(0, "ledger", "verify");
});

test("without --stream a pipe gets the same bytes, and so it does from a guest that is run twice to count its fuel", (context) => {
  const workspace = makePrinter(context, "(drop (i32.load (i32.const -1)))");
  const streamed = workspace.expect(1, "run", "printer", "--stream");
  const whole = workspace.expect(1, "run", "printer");
  assert.equal(streamed.stdout, PRINTED.toString());
  assert.equal(whole.stdout, streamed.stdout);
  assert.match(workspace.expect(2, "run", "printer", "--stream", "--json").stdout, /cli\/usage/);
  assert.match(workspace.expect(2, "run", "--all", "--stream").stderr, /cli\/usage/);
});

test("a terminal is not touched by what a guest prints, and our own lines begin at its edge", (context) => {
  const script = ["/usr/bin/script", "-qec", `'${process.execPath}' '${LAUNCHER}' run printer`, "/dev/null"] as const;
  if (spawnSync(script[0], ["--version"]).status !== 0) return context.skip("there is no `script` to make a terminal with");
  const workspace = makePrinter(context, "");
  const { env } = toolEnvironment();
  const [command, ...args] = script;
  const { status, stdout } = spawnSync(command, args, {
    cwd: workspace.root,
    env: { ...env, NO_COLOR: "1", SHELL: "/bin/sh" },
    encoding: "utf8",
    input: "",
  });
  assert.equal(status, 0, stdout);
  assert.ok(!stdout.includes("\u001b[2J"), "the escape sequence arrived");
  const lines = stdout.split(/\r*\n/);
  const printed = lines.findIndex((line) => line.startsWith("a\\u{1b}[2J"));
  assert.equal(lines[printed], "a\\u{1b}[2J\ufffd");
  assert.match(lines[printed + 1] ?? "", /^ran +printer/);
});
