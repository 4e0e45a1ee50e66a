import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assemble, GREETER, type RunSaid, V39Key, Workspace } from "./workspace.ts";

const WASM = assemble(GREETER);
type Spoil = (workspace: Workspace, folder: string, key: V39Key) => void;

function setModule(bytes: Uint8Array): Spoil {
  return (_, folder, key) => {
    writeFileSync(join(folder, "module.wasm"), bytes);
    key.sign(folder, bytes);
  };
}

function setFile(name: string, content: string | Uint8Array): Spoil {
  return (_, folder) => {
    writeFileSync(join(folder, name), content);
  };
}

const component = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
const elf = Buffer.concat([Buffer.from("\x7fELF", "latin1"), Buffer.alloc(60)]);

/** Each row spoils one thing of a tenant that was signed and trusted, and names the code that must be among the reasons. */
const ROWS: readonly (readonly [attack: string, code: string, spoil: Spoil])[] = [
  ["no module", "source/module-missing", (_, folder) => rmSync(join(folder, "module.wasm"))],
  ["an empty module", "wasm/empty", setModule(new Uint8Array())],
  ["a module cut in the middle", "wasm/truncated", setModule(WASM.subarray(0, WASM.length - 5))],
  ["text that says it is a module", "wasm/text", setModule(Buffer.from("(module)"))],
  ["native code, well signed", "wasm/elf", setModule(elf)],
  ["a component", "wasm/component", setModule(component)],
  ["bytes that are nothing", "wasm/not-wasm", setModule(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))],
  ["another version of the format", "wasm/version", setModule(Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0))],
  ["200 MB", "source/module-too-large", (_, folder) => truncateSync(join(folder, "module.wasm"), 200_000_000)],
  [
    "a folder in the module's place",
    "source/not-a-file",
    (_, folder) => {
      rmSync(join(folder, "module.wasm"));
      mkdirSync(join(folder, "module.wasm"));
    },
  ],
  [
    "a link in the module's place",
    "source/not-a-file",
    (_, folder) => {
      cpSync(join(folder, "module.wasm"), join(folder, "real"));
      rmSync(join(folder, "module.wasm"));
      symlinkSync("real", join(folder, "module.wasm"));
    },
  ],
  ["no signature", "trust/unsigned", (_, folder) => rmSync(join(folder, "module.sig"))],
  ["a signature in broken base64", "trust/signature-malformed", setFile("module.sig", "@@@@")],
  ["a signature of nothing", "trust/signature-malformed", setFile("module.sig", "")],
  ["a signature of zeros", "trust/signature-invalid", setFile("module.sig", Buffer.alloc(64).toString("base64"))],
  ["a signature by a key that nobody trusts", "trust/key-untrusted", (_, folder) => new V39Key().sign(folder, WASM)],
  [
    "a signature of another module",
    "trust/signature-invalid",
    (_, folder, key) => key.sign(folder, Buffer.from("another module")),
  ],
  ["a digest from before a change", "trust/digest-changed", setFile("module.sha256", `${"0".repeat(64)}\n`)],
  ["a digest that is none", "trust/digest-file-malformed", setFile("module.sha256", "sha")],
  ["a public key in broken base64", "trust/public-key-malformed", setFile("pubkey.b64", "key")],
  ["an envelope that is not one", "trust/signature-malformed", setFile("module.dsse.json", "{}")],
  ["no manifest", "guardian/manifest-missing", (_, folder) => rmSync(join(folder, "manifest.json"))],
  ["a manifest that is not JSON", "trust/manifest-not-json", setFile("manifest.json", "permissions: all")],
  ["a manifest that is not UTF-8", "trust/manifest-not-json", setFile("manifest.json", Uint8Array.of(0x22, 0xff, 0x22))],
  [
    "a manifest with a key twice",
    "trust/manifest-not-json",
    setFile("manifest.json", '{"permissions":[],"permissions":["stdout"]}'),
  ],
  ["a manifest with a prototype", "trust/manifest-not-json", setFile("manifest.json", '{"permissions":[],"__proto__":{"x":1}}')],
  ["a manifest of 10 MB", "trust/manifest-not-json", setFile("manifest.json", " ".repeat(10_000_000))],
  ["a manifest with an unknown permission", "trust/manifest-refused", setFile("manifest.json", '{"permissions":["root"]}')],
  [
    "a manifest for another tenant",
    "guardian/manifest-other-tenant",
    setFile("manifest.json", '{"tenant":"other","permissions":[]}'),
  ],
  [
    "a budget over the policy's",
    "guardian/budget-over-limit",
    setFile("manifest.json", '{"permissions":[],"timeout_ms":99999999}'),
  ],
  [
    "an import that is not offered",
    "engine/unknown-import",
    setModule(assemble('(module (import "env" "system" (func)) (func (export "_start") (call 0)))')),
  ],
  [
    "a module that V8 finds invalid",
    "engine/invalid-module",
    setModule(assemble('(module (func (export "_start") i32.const 1))')),
  ],
];

test("every spoiled input is refused with its own code, in the record, and nothing runs", (context) => {
  const workspace = Workspace.make(context);
  const key = new V39Key();
  writeFileSync(join(workspace.root, "key.pub"), key.publicText);
  const tenants = ROWS.map((_, n) => `t${String(n).padStart(2, "0")}`);
  workspace.expect(0, "trust", "add", "key.pub", ...[...tenants, "sound"].flatMap((tenant) => ["--tenant", tenant]));
  for (const [n, tenant] of [...tenants, "sound"].entries()) {
    const folder = join(workspace.root, workspace.addTenant(tenant));
    key.sign(folder, WASM);
    ROWS[n]?.[2](workspace, folder, key);
  }
  const { runs, exit } = workspace.json<{ readonly runs: readonly RunSaid[] }>("run", "--all");
  assert.equal(exit, 3);
  assert.equal(runs.find(({ tenant }) => tenant === "sound")?.status, "ran", "what was not spoiled runs");
  for (const [n, [attack, code]] of ROWS.entries()) {
    const said = runs.find(({ tenant }) => tenant === tenants[n]);
    assert.ok(said !== undefined, attack);
    const codes = [...said.reasons.map((reason) => reason.code), ...(said.fault === undefined ? [] : [said.fault.code])];
    assert.ok(codes.includes(code), `${attack}: ${codes.join(", ")}`);
    assert.equal(said.status, code.startsWith("engine/") ? "failed" : "denied", attack);
    assert.equal(said.stdout.text, "", attack);
    assert.ok(said.indexes.length >= 1, `${attack}: the refusal is in the log`);
  }
  workspace.expect(0, "ledger", "verify");
});

test("folders that cannot be tenants, or lead out of the workspace, are refused by name and recorded", (context) => {
  const workspace = Workspace.make(context);
  const outside = Workspace.make(context);
  outside.addTenant("victim");
  workspace.addTenant("good");
  workspace.addTenant("twin");
  symlinkSync(join(outside.root, "modules", "victim"), join(workspace.root, "modules", "escape"));
  symlinkSync("good", join(workspace.root, "modules", "alias"));
  workspace.addTenant("new\nline");
  workspace.addTenant("x".repeat(200));
  const { runs } = workspace.json<{ readonly runs: readonly RunSaid[] }>("run", "--all");
  const codeOf = (tenant: string) => runs.find((run) => run.tenant === tenant)?.reasons[0]?.code;
  assert.equal(codeOf("escape"), "source/leaves-workspace");
  assert.equal(codeOf("alias"), "source/leaves-workspace");
  assert.equal(codeOf("new\\u{a}line"), "source/tenant-name");
  assert.equal(codeOf("x".repeat(128)), "source/tenant-name");
  assert.equal(codeOf("good"), "trust/unsigned");

  for (const [path, exit] of [
    ["../../etc", 3],
    ["/etc", 3],
    ["modules/../../..", 3],
    ["no-such-tenant", 2],
    ["", 2],
  ] as const) {
    assert.equal(workspace.nightcore("run", path).exit, exit, path);
  }
  workspace.expect(0, "ledger", "verify");
});

test("another tenant's signed folder does not run under one's own name", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("trusted");
  workspace.addTenant("other");
  workspace.signAndTrust("trusted", "other");
  for (const name of ["module.wasm", "module.sig", "module.sha256", "module.dsse.json", "manifest.json"]) {
    cpSync(join(workspace.root, "modules/trusted", name), join(workspace.root, "modules/other", name));
  }
  assert.equal(workspace.runOf("other").reasons[0]?.code, "trust/signature-other-tenant");
});

test("a signature or manifest exchanged while it is looked at changes nothing: what was read is what runs", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  const before = workspace.runOf("hello");
  // Deleting the envelope weakens what is signed; bytes that once came with a signed manifest are refused without it.
  rmSync(join(workspace.root, "modules/hello/module.dsse.json"));
  writeFileSync(join(workspace.root, "modules/hello/manifest.json"), '{"permissions":["stdout","fs:read"]}');
  const after = workspace.runOf("hello");
  assert.equal(before.status, "ran");
  assert.equal(before.signature.manifestSigned, true);
  assert.equal(after.reasons[0]?.code, "guardian/signature-weakened");
});

test("a configuration with several mistakes lists them all, and an unknown one is never passed over", (context) => {
  const workspace = Workspace.make(context);
  writeFileSync(
    join(workspace.root, "nightcore.toml"),
    '[log]\norigin = "a b"\n[run]\nparalel = 2\nmodule_mib_max = 0\n[extra]\n',
  );
  const { exit, stderr } = workspace.nightcore("run", "--all");
  assert.equal(exit, 5);
  for (const word of ["log.origin", "run.paralel", "module_mib_max", "extra"]) assert.ok(stderr.includes(word), word);
  writeFileSync(join(workspace.root, "nightcore.toml"), "[log\n");
  assert.match(workspace.nightcore("run", "--all").stderr, /line 1/);
});

test("imports: what is no v39 file is refused whole, and nothing of it is taken in", (context) => {
  const workspace = Workspace.make(context);
  const history = [{ sha256: "A".repeat(64), size: 1, timestamp: "2025-11-07T03:32:09.600476100+00:00", verified: true }];
  for (const [name, content, code] of [
    ["t_proof_history.json", JSON.stringify([...history, { sha256: "B" }]), "import/malformed"],
    ["t_proof_history.json", "[", "import/malformed"],
    ["orchestration_report.json", '{"tenants":[]}', "import/malformed"],
    ["notes.json", '{"a":1}', "import/unknown-form"],
    ["proof_report.jsonl", '{"tenant":"t"}\n', "import/malformed"],
  ] as const) {
    writeFileSync(join(workspace.root, name), content);
    assert.match(workspace.nightcore("state", "import", name).stderr, new RegExp(code), `${name}: ${content}`);
  }
  writeFileSync(join(workspace.root, "t_proof_history.json"), JSON.stringify(history));
  workspace.expect(0, "state", "import", "t_proof_history.json");
  assert.match(workspace.expect(0, "inspect-state", "--tenant", "t").stdout, /1 records \(1 imported\)/);
  assert.ok(readFileSync(join(workspace.root, "logs", "t_proof_history.json"), "utf8").includes("imported_from"));
});

test("a sandbox that is a link shows the guest nothing, and the run is denied", (context) => {
  const workspace = Workspace.make(context);
  const folder = join(workspace.root, workspace.addTenant("hello", { manifest: { permissions: ["stdout", "fs:read"] } }));
  workspace.signAndTrust("hello");
  symlinkSync("/etc", join(folder, "sandbox"));
  const said = workspace.runOf("hello");
  assert.deepEqual([said.status, said.reasons[0]?.code], ["denied", "source/sandbox-not-a-folder"]);
});

test("a ledger that is gone is not begun anew, and what would not fit into the record is refused before it is tried", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  // Each of them below what Linux hands over as one argument.
  const many = Array.from({ length: 12 }, () => ["--arg", "x".repeat(100_000)]).flat();
  assert.equal(workspace.nightcore("run", "hello", ...many).exit, 2);
  rmSync(join(workspace.root, ".nightcore", "ledger"), { recursive: true });
  rmSync(join(workspace.root, ".nightcore", "state.db"));
  const { exit, stderr } = workspace.nightcore("run", "hello");
  assert.equal(exit, 5);
  assert.match(stderr, /ledger\/absent/);
  assert.ok(!existsSync(join(workspace.root, ".nightcore", "ledger", "public")), "nothing was made in its place");
});

test("auditors look without the node's private key, and nobody writes without it", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  workspace.expect(0, "run", "hello");
  rmSync(join(workspace.root, ".nightcore", "node.key"));
  for (const args of [
    ["ledger", "vkey"],
    ["ledger", "verify"],
    ["trust", "list"],
    ["inspect-state", "--all-tenants"],
  ])
    workspace.expect(0, ...args);
  const { exit, stderr } = workspace.nightcore("run", "hello");
  assert.equal(exit, 5);
  assert.match(stderr, /keys\/missing/);
});
