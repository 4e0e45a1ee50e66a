import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type GuestName, GUESTS } from "./guests.ts";
import { type RunSaid, Workspace } from "./workspace.ts";

type Proposed = {
  readonly format: string;
  readonly capabilities: readonly string[];
  readonly budgets: Readonly<Record<string, number>>;
  readonly source?: string;
};
type Observed = {
  readonly manifest: Proposed;
  readonly observed: {
    readonly kind: string;
    readonly runs: readonly string[];
    readonly confirmed?: boolean;
    readonly baseline: RunSaid & {
      readonly observed?: { readonly calls: readonly string[]; readonly openedPaths: readonly string[] };
    };
  };
};

const EVERYTHING = ["stdout", "stdin", "fs:read", "clock:real", "random:real"];

/** Of these guests each calls only what it needs; `fd_read` is for stdin and for files alike. */
const CALL_OF = { fd_write: "stdout", path_open: "fs:read", clock_time_get: "clock:real", random_get: "random:real" };

/** What a guest is found to need, how it is called, and whether what it prints is of the moment. */
const CASES: readonly {
  readonly guest: GuestName;
  readonly needs: readonly string[];
  readonly options?: readonly string[];
  readonly ofTheMoment?: boolean;
}[] = [
  { guest: "greeter", needs: ["stdout"] },
  { guest: "silent", needs: [] },
  { guest: "echo", needs: ["stdout", "stdin"], options: ["--stdin", "input.txt"] },
  { guest: "file", needs: ["stdout", "fs:read"] },
  { guest: "arguments", needs: ["stdout"], options: ["--arg", "one"] },
  { guest: "exitByArguments", needs: [], options: ["--arg", "abc"] },
  { guest: "clock", needs: ["stdout", "clock:real"], ofTheMoment: true },
  { guest: "random", needs: ["stdout", "random:real"], ofTheMoment: true },
];

function makeWorkspace(context: Parameters<typeof Workspace.make>[0], guest: GuestName, manifest: object): Workspace {
  const workspace = Workspace.make(context);
  workspace.addTenant(guest, { wasm: GUESTS[guest], manifest, files: { "sandbox/data.txt": "data\n" } });
  workspace.writePolicy("_default", { capabilities: EVERYTHING });
  workspace.signAndTrust(guest);
  writeFileSync(join(workspace.root, "input.txt"), "given");
  return workspace;
}

/** Puts a manifest in the place of the tenant's, signs, and runs. */
function runWith(workspace: Workspace, guest: string, manifest: object, options: readonly string[]): RunSaid {
  writeFileSync(join(workspace.root, "modules", guest, "manifest.json"), JSON.stringify(manifest));
  workspace.expect(0, "sign", "--dir", `modules/${guest}`, "--key", "keys/maintainers/alice.key");
  return workspace.runOf(guest, ...options);
}

const endOf = ({ status, exitCode, fault, results, stdout }: RunSaid) => [status, exitCode, fault?.code, results, stdout.text];

for (const { guest, needs, options = [], ofTheMoment = false } of CASES) {
  test(`${guest} is observed to need ${needs.join(" and ") || "nothing"}: with it, it runs; without any one of it, not as before`, (context) => {
    // Its manifest asks for nothing: what it needs is found out, not read.
    const workspace = makeWorkspace(context, guest, { format: "nightcore-manifest/v1", capabilities: [], source: "human" });
    const { manifest, observed, exit } = workspace.json<Observed>("run", guest, "--observe", ...options);
    assert.equal(exit, 0, JSON.stringify(observed));
    assert.equal(observed.confirmed, true);
    const { calls = [], openedPaths = [] } = observed.baseline.observed ?? {};
    assert.deepEqual(
      Object.entries(CALL_OF).flatMap(([call, capability]) => (calls.includes(call) ? [capability] : [])),
      EVERYTHING.filter((one) => one !== "stdin" && needs.includes(one)),
      "what it was seen to call is what it turned out to need",
    );
    assert.deepEqual(openedPaths, guest === "file" ? ["/sandbox/data.txt"] : []);
    assert.deepEqual(
      manifest.capabilities,
      EVERYTHING.filter((one) => needs.includes(one)),
    );
    assert.equal(manifest.source, "human", "where the code came from is not for an observation to change");

    const tightened = runWith(workspace, guest, manifest, options);
    assert.equal(tightened.status, observed.baseline.status);
    assert.equal(tightened.exitCode, observed.baseline.exitCode);
    if (!ofTheMoment) assert.deepEqual(endOf(tightened), endOf(observed.baseline));
    const { usage } = tightened;
    assert.ok(usage !== undefined && (manifest.budgets["fuel"] ?? 0) >= usage.fuel);
    assert.ok((manifest.budgets["fuel"] ?? 0) <= Math.max(1, Math.ceil(usage.fuel * 1.25)), "a quarter more, and no more");
    for (const spared of manifest.capabilities) {
      const capabilities = manifest.capabilities.filter((one) => one !== spared);
      const without = runWith(workspace, guest, { ...manifest, capabilities }, options);
      assert.notDeepEqual(endOf(without), endOf(tightened), `without ${spared}`);
    }
    const starved = runWith(workspace, guest, { ...manifest, budgets: { ...manifest.budgets, fuel: 1 } }, options);
    assert.equal(starved.fault?.code, guest === "silent" ? undefined : "engine/fuel-exhausted");
    // Each of its runs is in the log like any other.
    workspace.expect(0, "receipt", "show", observed.runs.at(-1) ?? "");
    workspace.expect(0, "ledger", "verify");
  });
}

test("the proposal goes to stdout, or into a file that was not there", (context) => {
  const workspace = makeWorkspace(context, "greeter", { permissions: ["stdout"] });
  const printed = workspace.expect(0, "run", "greeter", "--observe").stdout;
  assert.equal((JSON.parse(printed) as Proposed).format, "nightcore-manifest/v1");
  const written = workspace.expect(0, "run", "greeter", "--observe", "--out", "proposed.json");
  assert.equal(written.stdout, "");
  const text = readFileSync(join(workspace.root, "proposed.json"), "utf8");
  assert.deepEqual((JSON.parse(text) as Proposed).capabilities, ["stdout"]);
  const before = workspace.nightcore("ledger", "verify", "--json").stdout;
  assert.match(workspace.expect(2, "run", "greeter", "--observe", "--out", "proposed.json").stderr, /is not overwritten/);
  assert.equal(readFileSync(join(workspace.root, "proposed.json"), "utf8"), text);
  assert.equal(workspace.nightcore("ledger", "verify", "--json").stdout, before, "and nothing was run");
  for (const wrong of [["--all"], ["greeter", "--proof"]]) workspace.expect(2, "run", ...wrong, "--observe");
  workspace.expect(2, "run", "greeter", "--out", "other.json");
  assert.ok(!existsSync(join(workspace.root, "other.json")));
});

test("an observation decides as usual: what is not allowed is not run, and nothing is offered beyond the policy", (context) => {
  const workspace = makeWorkspace(context, "file", { permissions: [] });
  workspace.writePolicy("_default", { capabilities: ["stdout"] });
  const { manifest } = workspace.json<Observed>("run", "file", "--observe");
  assert.deepEqual(manifest.capabilities, [], "without its file it prints nothing, so it needs nothing");

  workspace.addTenant("unsigned");
  const unsigned = workspace.json<Observed>("run", "unsigned", "--observe");
  assert.equal(unsigned.exit, 3);
  assert.equal(unsigned.observed.kind, "refused");
  assert.equal(unsigned.manifest, undefined);
  assert.equal(unsigned.observed.baseline.indexes.length, 1, "nothing was run");
});

test("what does not end by itself gets no proposal", (context) => {
  const workspace = makeWorkspace(context, "endless", { permissions: [], fuel_limit: 1000 });
  const { exit, observed, manifest } = workspace.json<Observed>("run", "endless", "--observe");
  assert.equal(exit, 1);
  assert.equal(observed.kind, "failed");
  assert.equal(manifest, undefined);
  assert.equal(observed.runs.length, 1);
});
