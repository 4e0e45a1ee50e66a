import { spawnSync, type StdioOptions } from "node:child_process";
import { sign } from "node:crypto";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildExamples, EXAMPLES } from "./examples.ts";
import { REPOSITORY, toolEnvironment } from "./repository.ts";

const WORKSPACE = join(REPOSITORY, "demo-workspace");

/** Tenants that the demo makes out of `hello`, to show refusals that lie outside of the module. */
const TAMPERED = [
  { tenant: "unsigned", shows: "was never signed" },
  { tenant: "stranger", shows: "is signed by a key that nobody here trusts" },
  { tenant: "changed", shows: "was changed after it was signed" },
  { tenant: "leaver", shows: "is signed by a key that has been revoked" },
  { tenant: "borrowed", shows: "carries another tenant's signature" },
] as const;

if (existsSync(join(WORKSPACE, "nightcore.toml"))) rmSync(WORKSPACE, { recursive: true });
say("Night Core demo: makes a workspace, signs tenants, runs them all, and checks the record.\n");
nightcore("init", "--root", WORKSPACE, "--origin", "demo.example/night-core");
nightcore("generate-keys", "--out-dir", "keys", "--name", "alice", "--name", "mallory", "--name", "bob");

say("\nBuilding the tenants from examples/ …");
const modules = join(WORKSPACE, "modules");
await buildExamples({ folder: modules });
for (const { tenant } of TAMPERED) cpSync(join(modules, "hello"), join(modules, tenant), { recursive: true });

const tenants = EXAMPLES.map(({ tenant }) => tenant);
say("Signing them …");
for (const tenant of tenants.filter((name) => name !== "native" && name !== "curious")) signModule(tenant, "alice");
for (const tenant of ["native", "curious"]) signAsV39(tenant, "alice");
signModule("stranger", "mallory");
signModule("leaver", "bob");
signModule("changed", "alice");
const changed = join(modules, "changed", "module.wasm");
writeFileSync(changed, Buffer.concat([readFileSync(changed), Buffer.from([0, 2, 1, 0x78])])); // one more custom section
cpSync(join(modules, "hello"), join(modules, "borrowed"), { recursive: true });

nightcore(
  "trust",
  "add",
  "keys/maintainers/alice.pub",
  ...[...tenants, "changed", "borrowed"].flatMap((tenant) => ["--tenant", tenant]),
);
nightcore("trust", "add", "keys/maintainers/bob.pub", "--tenant", "leaver");
nightcore("trust", "revoke", keyIdOf("bob"), "--reason", "left the company");

const exit = nightcore("run", "--all");
say(`(exit code ${exit}: the greatest that applies; 3 says that something was denied or held)\n`);
say("What each tenant is there to show:");
for (const { tenant, shows } of [...EXAMPLES, ...TAMPERED]) say(`  ${tenant.padEnd(15)} ${shows}`);
say("");

const sound = nightcore("ledger", "verify");
const report = JSON.parse(readFileSync(join(WORKSPACE, "logs", "orchestration_report.json"), "utf8")) as {
  readonly tenants: readonly { readonly name: string; readonly run: string; readonly outcome: string }[];
};
const hello = report.tenants.find(({ name }) => name === "hello");
const receipt = join(WORKSPACE, "receipt.json");
writeFileSync(receipt, capture("receipt", "show", hello?.run ?? ""));
writeFileSync(join(WORKSPACE, "log.vkey"), capture("ledger", "vkey"));
say("\nA receipt of hello's run, checked with nothing but the file and the log's key:");
const verified = nightcore("receipt", "verify", receipt, "--log-key", join(WORKSPACE, "log.vkey"));

say(`
Where things are (in demo-workspace/):
  logs/nightcore_dashboard.html       what ran and what was refused, as a page
  logs/orchestration_report.json      the same for scripts
  .nightcore/ledger/public/           the log: checkpoint and tiles, readable by any tlog-tiles client
  receipt.json, log.vkey              one run's receipt, and the key to check it with

Try next:  cd demo-workspace && npx nightcore run hello && npx nightcore inspect-state --all-tenants --summary`);

const wanted = ["hello", "wordcount", "primes", "checksum"];
const ran = report.tenants.filter(({ outcome }) => outcome === "ran").map(({ name }) => name);
const asExpected = sound === 0 && verified === 0 && exit === 3 && wanted.toSorted().join() === ran.toSorted().join();
if (!asExpected) {
  process.stderr.write(`the demo did not go as it should: ran ${ran.join(", ")}\n`);
  process.exitCode = 1;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function nightcore(...args: readonly string[]): number {
  say(`$ nightcore ${args.map((arg) => arg.replace(`${WORKSPACE}/`, "")).join(" ")}`);
  return start(args, "inherit").status ?? 1;
}

function capture(...args: readonly string[]): string {
  const { status, stdout, stderr } = start(args, "pipe");
  if (status !== 0) throw new Error(`\`nightcore ${args.join(" ")}\` ended with ${status}: ${stderr}`);
  return stdout;
}

function start(args: readonly string[], stdout: "inherit" | "pipe") {
  const launcher = join(REPOSITORY, "packages", "nightcore", "bin", "nightcore.js");
  // What the CLI says to a person goes to stderr; here both are one story.
  const options = {
    ...toolEnvironment(),
    encoding: "utf8",
    stdio: ["ignore", stdout, stdout === "inherit" ? 1 : "pipe"] as StdioOptions,
  } as const;
  const root = args.includes("--root") ? [] : ["--root", WORKSPACE];
  return spawnSync(process.execPath, [launcher, ...args, ...root], { ...options, maxBuffer: 64 * 1024 * 1024 });
}

function signModule(tenant: string, key: string): void {
  capture("sign", "--dir", join("modules", tenant), "--key", `keys/maintainers/${key}.key`);
}

/** Signs whatever bytes there are, as v39 did: our own `sign` refuses what would not be admitted. */
function signAsV39(tenant: string, name: string): void {
  const folder = join(modules, tenant);
  const key = readFileSync(join(WORKSPACE, "keys", "maintainers", `${name}.key`), "utf8");
  const bytes = readFileSync(join(folder, "module.wasm"));
  writeFileSync(join(folder, "module.sig"), `${sign(null, bytes, key).toString("base64")}\n`);
  cpSync(join(WORKSPACE, "keys", "maintainers", `${name}.pub`), join(folder, "pubkey.b64"));
}

function keyIdOf(name: string): string {
  const { keys } = JSON.parse(capture("trust", "list", "--json")) as {
    readonly keys: readonly { readonly name: string; readonly keyId: string }[];
  };
  return keys.find((key) => key.name === name)?.keyId ?? "";
}
