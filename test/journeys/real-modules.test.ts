import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { REPOSITORY } from "../../tools/repository.ts";
import { Workspace } from "./workspace.ts";

const PACKAGES = join(REPOSITORY, "node_modules");

test("CPython, 26 MB that nobody here wrote, computes a SHA-256 as a tenant", (context) => {
  const workspace = Workspace.make(context);
  const wasm = readFileSync(join(PACKAGES, "@antonz", "python-wasi", "dist", "python.wasm"));
  workspace.addTenant("python", {
    wasm,
    manifest: { name: "python", permissions: ["stdout"], fuel_limit: 9_000_000_000, timeout_ms: 60_000, max_memory_kb: 131_072 },
  });
  workspace.signAndTrust("python");
  const policy = workspace.nightcore("run", "python");
  assert.match(policy.stderr, /guardian\/budget-over-limit/, "60 s is more than the default policy allows");
  workspace.writePolicy("python", { max_exec_ms: 60_000 });
  const script =
    "import hashlib,json; print(json.dumps({'sha256': hashlib.sha256(b'night core').hexdigest(), 'sum': sum(range(1000))}))";
  const said = workspace.runOf("python", "--arg=-c", "--arg", script);
  assert.equal(said.status, "ran", JSON.stringify(said.fault));
  const printed = JSON.parse(said.stdout.text) as { readonly sha256: string; readonly sum: number };
  assert.deepEqual(said.assessment?.findings, [], "what a runtime looks for when it starts is no attempt to get out");
  assert.deepEqual(printed, { sha256: createHash("sha256").update("night core").digest("hex"), sum: 499_500 });
  const again = workspace.runOf("python", "--arg=-c", "--arg", "raise SystemExit(7)");
  assert.equal(again.status, "failed");
  assert.equal(again.exitCode, 7);
});

test("Ruby, 24 MB that nobody here wrote, sorts and prints as a tenant", (context) => {
  const workspace = Workspace.make(context);
  const wasm = readFileSync(join(PACKAGES, "@runno", "sandbox", "dist", "langs", "ruby-3.2.0.wasm"));
  workspace.addTenant("ruby", {
    wasm,
    manifest: { permissions: ["stdout"], fuel_limit: 9_000_000_000, timeout_ms: 60_000, max_memory_kb: 131_072 },
  });
  workspace.signAndTrust("ruby");
  workspace.writePolicy("ruby", { max_exec_ms: 60_000 });
  const run = () =>
    workspace.runOf("ruby", "--arg=--disable-all", "--arg=-e", "--arg", "puts (1..20).map { |n| n * 7 % 11 }.sort.inspect");
  const first = run();
  assert.equal(first.status, "ran", JSON.stringify(first));
  const sorted = Array.from({ length: 20 }, (_, n) => ((n + 1) * 7) % 11).toSorted((a, b) => a - b);
  assert.deepEqual(JSON.parse(first.stdout.text), sorted);
  assert.ok((first.usage?.fuel ?? 0) > 1_000_000);
  assert.deepEqual(first.assessment?.findings, []);
});
