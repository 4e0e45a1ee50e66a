import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { toolEnvironment } from "../../tools/repository.ts";
import { guest } from "./guests.ts";
import { LAUNCHER, Workspace } from "./workspace.ts";

// Says that it runs, and then does so for ever.
const SPINNER = guest(
  "(call $print (i32.const 1) (i32.const 600) (i32.const 8)) (loop $on (br $on))",
  '(data (i32.const 600) "running\\n")',
);
const PATIENT = { max_exec_ms: 600_000, max_fuel: 9_000_000_000_000_000 };

function makeWorkspace(context: TestContext): Workspace {
  const workspace = Workspace.make(context);
  workspace.writePolicy("spinner", PATIENT);
  workspace.addTenant("hello");
  const manifest = { permissions: ["stdout"], fuel_limit: PATIENT.max_fuel, timeout_ms: PATIENT.max_exec_ms };
  workspace.addTenant("spinner", { wasm: SPINNER, manifest });
  workspace.signAndTrust("hello", "spinner");
  workspace.expect(0, "generate-keys", "--out-dir", "keys", "--name", "bob");
  workspace.expect(0, "trust", "add", "keys/maintainers/bob.pub", "--role", "approver", "--tenant", "*");
  return workspace;
}

/** Another process that runs a guest; it is there when the guest has said that it runs. */
async function startRunning(workspace: Workspace, ...args: readonly string[]) {
  const { env } = toolEnvironment();
  const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd: workspace.root, env });
  const said = { stdout: "", stderr: "" };
  const running = Promise.withResolvers<void>();
  child.stdout.on("data", (data: Buffer) => {
    said.stdout += data.toString();
    if (said.stdout.includes("running")) running.resolve();
  });
  child.stderr.on("data", (data: Buffer) => (said.stderr += data.toString()));
  const ended = once(child, "exit").then(([code]) => code as number | null);
  await Promise.race([running.promise, ended]);
  return { said, ended, isRunning: () => child.exitCode === null };
}

const blockIds = (workspace: Workspace) =>
  workspace.json<{ quarantine: { id: string }[] }>("quarantine", "list").quarantine.map(({ id }) => id);

test("a guest that runs in another process is ended by order, and nothing of it starts until the order is lifted", async (context) => {
  const workspace = makeWorkspace(context);
  const { said, ended, isRunning } = await startRunning(workspace, "run", "spinner", "--stream");
  assert.match(said.stdout, /running/, said.stderr);
  // An order for somebody else ends nothing here; the running process, which has the log, writes it down.
  workspace.expect(0, "kill", "--tenant", "hello", "--reason", "not this one");
  assert.ok(isRunning());
  workspace.expect(0, "kill", "--tenant", "spinner", "--reason", "it spins");
  assert.equal(await ended, 1);
  assert.match(said.stderr, /worker\/killed/);

  assert.equal(workspace.runOf("spinner").reasons[0]?.code, "guardian/tenant-blocked");
  assert.equal(blockIds(workspace).length, 2);
  for (const id of blockIds(workspace))
    workspace.expect(0, "kill", "lift", id, "--key", "keys/maintainers/bob.key", "--comment", "it was looked at");
  assert.equal(workspace.runOf("hello").status, "ran");
  workspace.expect(0, "verify", "spinner");
  workspace.expect(0, "ledger", "verify");
});

test("everything is ended at once, and what a signer's key signed as well", async (context) => {
  const workspace = makeWorkspace(context);
  const first = await startRunning(workspace, "run", "spinner", "--stream");
  const { keyId } = workspace
    .json<{ keys: { keyId: string; name: string }[] }>("trust", "list")
    .keys.find(({ name }) => name === "alice") ?? { keyId: "" };
  workspace.expect(0, "kill", "--signer", keyId.slice(0, 8), "--reason", "stolen");
  assert.equal(await first.ended, 1);
  assert.match(first.said.stderr, /worker\/killed/);
  assert.equal(workspace.runOf("hello").reasons[0]?.code, "guardian/signer-blocked");

  workspace.expect(0, "kill", "--all", "--reason", "all of it");
  // A file in the place of an order is nobody's order, and ends no command.
  writeFileSync(join(workspace.root, ".nightcore", "orders", `${"ab".repeat(16)}.json`), "{}");
  assert.deepEqual(
    workspace
      .runOf("hello")
      .reasons.map(({ code }) => code)
      .toSorted(),
    ["guardian/everything-blocked", "guardian/signer-blocked"],
  );
  // Dying between the record and the new name of the order's file: the order is not recorded twice.
  const orders = join(workspace.root, ".nightcore", "orders");
  for (const name of readdirSync(orders)) renameSync(join(orders, name), join(orders, name.replace(".recorded", "")));
  assert.equal(workspace.runOf("hello").status, "quarantined");
  assert.equal(blockIds(workspace).length, 2);
  assert.equal(readdirSync(orders).filter((name) => name.endsWith(".recorded.json")).length, 2);
  for (const bad of [[], ["--all", "--tenant", "hello"], ["--signer", "00000000"], ["--tenant", ".."]])
    assert.equal(workspace.nightcore("kill", ...bad, "--reason", "r").exit, 2, bad.join(" "));
});
