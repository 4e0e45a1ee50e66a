import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { type RunSaid, SHARED_DATA, Workspace } from "./workspace.ts";

const SOURCE = join(SHARED_DATA, "nightcore-v39");

/** A copy of what a v39 user has on disk, in a folder called `v39`, made a workspace. */
function adopt(context: TestContext): Workspace | undefined {
  if (!existsSync(SOURCE)) {
    context.skip("../shared/data is not here");
    return undefined;
  }
  const parent = mkdtempSync(join(tmpdir(), "nightcore-v39-"));
  context.after(() => {
    rmSync(parent, { recursive: true, force: true });
  });
  const root = join(parent, "v39");
  copyWritable(SOURCE, root);
  const workspace = new Workspace(root);
  workspace.expect(0, "init");
  return workspace;
}

// The original is read-only, folders included; a user's own copy is not.
function copyWritable(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isDirectory()) copyWritable(join(from, entry.name), join(to, entry.name));
    else cpSync(join(from, entry.name), join(to, entry.name), { mode: 0 });
  }
}

function codesOf(run: RunSaid | undefined): readonly string[] {
  return run?.reasons.map(({ code }) => code) ?? [];
}

test("v39's tenants, untrusted: everything is denied for that reason", (context) => {
  const workspace = adopt(context);
  if (workspace === undefined) return;
  const { runs, exit } = workspace.json<{ readonly runs: readonly RunSaid[] }>("run", "--all", "--backend", "wasmtime");
  assert.equal(exit, 3);
  assert.equal(runs.length, 2);
  for (const run of runs) {
    assert.equal(run.status, "denied");
    assert.ok(codesOf(run).includes("trust/key-untrusted"), run.tenant);
  }
});

test("v39's tenants with admin1 trusted: one verifies and has no entry, the other is native code", (context) => {
  const workspace = adopt(context);
  if (workspace === undefined) return;
  workspace.expect(0, "trust", "add", "keys/maintainers/admin1.pub", "--tenant", "tenantA-hello", "--tenant", "tenantB-math");
  const { runs } = workspace.json<{ readonly runs: readonly RunSaid[] }>("run", "--all");
  const [a, b] = runs;
  assert.equal(a?.signature.trusted, true);
  assert.deepEqual(codesOf(a), ["guardian/no-entry"]);
  assert.equal(b?.signature.trusted, true, "the signature over the object is good, and that helps nothing");
  assert.deepEqual(codesOf(b), ["wasm/elf"]);

  const entered = workspace.runOf("modules/tenantA-hello", "--entry", "run");
  assert.equal(entered.status, "ran");
  assert.match(entered.stdout.text, /Verified execution from inside the sandbox!/);
  assert.ok(Math.abs((entered.usage?.fuel ?? 0) - 1268) <= 20, `fuel ${entered.usage?.fuel}`);
  assert.equal(workspace.runOf("modules/tenantA-hello", "--entry", "run").usage?.fuel, entered.usage?.fuel);
});

test("the module at v39's root, under its own key, prints what is in sandbox/msg.txt once it may read it", (context) => {
  const workspace = adopt(context);
  if (workspace === undefined) return;
  workspace.expect(0, "trust", "add", "pubkey.b64", "--tenant", "v39");
  const blind = workspace.nightcore("run", ".");
  assert.equal(blind.exit, 0);
  assert.match(blind.stderr, /hint: .*--allow fs:read/, "its manifest asks for stdout only, and it is told what to do");
  const seeing = workspace.runOf(".", "--allow", "fs:read");
  assert.match(seeing.stdout.text, /Hello from inside the sandbox!/);
});

test("v39's reports and histories are imported as imported, and none of its files is lost", (context) => {
  const workspace = adopt(context);
  if (workspace === undefined) return;
  const report = readFileSync(join(workspace.root, "logs/orchestration_report.json"), "utf8");
  workspace.nightcore("run", "--all");
  assert.equal(readFileSync(join(workspace.root, "logs/orchestration_report.v39.json"), "utf8"), report);
  const files = ["orchestration_report.v39.json", "tenantA-hello_proof_history.json", "tenantA-hello/proof_report.jsonl"].map(
    (name) => join("logs", name),
  );
  workspace.expect(0, "state", "import", ...files);
  workspace.expect(0, "state", "import", ...files);
  type Tenants = {
    readonly tenants: readonly {
      readonly name: string;
      readonly total: number;
      readonly imported: number;
      readonly executed: number;
    }[];
  };
  const { tenants } = workspace.json<Tenants>("inspect-state", "--all-tenants", "--summary");
  const hello = tenants.find(({ name }) => name === "tenantA-hello");
  assert.deepEqual([hello?.imported, hello?.executed, hello?.total], [4, 0, 5], "twice is once, and a claim is no execution");
  workspace.expect(0, "export-dashboard", "--diff");
  assert.match(readFileSync(join(workspace.root, "logs/nightcore_history_dashboard.html"), "utf8"), /imported, not witnessed/);
  const hashes = workspace.expect(0, "export-pubkey-hashes").stdout.trim().split("\n");
  assert.equal(hashes.length, 2);
  assert.deepEqual(JSON.parse(hashes[0] ?? ""), {
    name: "tenantA-hello",
    pubkey_hash: "SHA256:168d2cd90d24c88c885d7e699ddceef3c5fc3bd0810ff8b3bffd8407951a4f02",
  });
});

test("v39's audit chain is taken in when it is whole, and refused when a line or its end is missing", (context) => {
  const workspace = Workspace.make(context);
  const lines = [
    '{"v":1,"ts":"2026-01-01T00:00:00+00:00","event":"test.event","details":{"a":"x","z":1},"prev_hash_hex":"0000000000000000000000000000000000000000000000000000000000000000","this_hash_hex":"cd1bf2e976747606d168453646169ac750b32314b6348dd5a2e218d19fdc8c07"}',
    '{"v":1,"ts":"2026-01-01T00:00:01+00:00","event":"test.second","details":{},"prev_hash_hex":"cd1bf2e976747606d168453646169ac750b32314b6348dd5a2e218d19fdc8c07","this_hash_hex":"f665764b639a7981d2450c4adf32feff3316e0d9d9a791424b069eac7f574870"}',
  ];
  mkdirSync(join(workspace.root, "logs"), { recursive: true });
  const chain = join(workspace.root, "logs/audit.jsonl");
  writeFileSync(join(workspace.root, "logs/audit.tail"), "f665764b639a7981d2450c4adf32feff3316e0d9d9a791424b069eac7f574870\n");
  const attacks: readonly (readonly [text: string, code: RegExp])[] = [
    [`${lines[0]}\n`, /import\/chain-cut/],
    [`${lines[1]}\n`, /import\/chain-broken/],
    [`${lines.join("\n").replace('"x"', '"y"')}\n`, /import\/chain-broken/],
  ];
  for (const [text, code] of attacks) {
    writeFileSync(chain, text);
    assert.match(workspace.expect(2, "state", "import", "logs/audit.jsonl").stderr, code);
  }
  writeFileSync(chain, `${lines.join("\n")}\n`);
  assert.match(workspace.expect(0, "state", "import", "logs/audit.jsonl").stderr, /2 records of a v39 audit chain/);
  const found = workspace.json<{ readonly entries: readonly { readonly form?: string }[] }>("ledger", "find", "--kind", "import");
  assert.deepEqual(
    found.entries.map(({ form }) => form),
    ["v39 audit chain"],
  );
});

test("what v39's console showed in quarantine is in quarantine here, once, and moved", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  const { digest = "" } = workspace.runOf("hello");
  const line = { timestamp: "2026-01-01T00:00:00Z", tenant: "hello", decision: "deny", reason: "drift", wasm_size_bytes: 1 };
  const lines = [
    { ...line, threat_score: 91, sha256: digest.toUpperCase() },
    { ...line, tenant: "gone", threat_score: 12, reason: "quarantine requested", sha256: "" },
    { ...line, tenant: "fine", threat_score: 20, sha256: "cd".repeat(32) },
  ];
  mkdirSync(join(workspace.root, "logs"), { recursive: true });
  const log = join(workspace.root, "logs", "guardian_decisions.jsonl");
  writeFileSync(log, lines.map((one) => `${JSON.stringify(one)}\n`).join(""));
  assert.match(workspace.expect(0, "state", "import", log).stderr, /3 records of a v39 decisions.*\n.*2 of them in quarantine/);
  workspace.expect(0, "state", "import", log);
  const { quarantine } = workspace.json<{ quarantine: { kind: string; target: string; cause: string }[] }>("quarantine", "list");
  assert.deepEqual(
    quarantine.map(({ kind, target, cause }) => [kind, target, cause]),
    [
      ["digest", digest, "v39"],
      ["tenant", "gone", "v39"],
    ],
  );
  assert.equal(workspace.runOf("hello").status, "quarantined");
  assert.ok(existsSync(join(workspace.root, ".nightcore", "vault", `${digest}.vault`)));
});
