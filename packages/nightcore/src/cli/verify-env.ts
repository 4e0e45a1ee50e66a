import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, parseHex, utf8 } from "#core";
import { encodeVkey, makeLogKey } from "#ledger";
import { diagnoseLostLayers, openV8Engine, readLostLayers, readMissingLimits } from "#engine/v8";
import { type Engine, type EngineJob, explainEngineFault, explainLedgerFault } from "#ports";
import { publicKeyOf, sha256 } from "#store/keys";
import { Projection } from "#store/sqlite";
import { openLedgerWriter, verifyLedger } from "#store/tiles";
import { layOut } from "#store/workspace";
import { EXIT, type Invocation } from "./invocation.ts";
import { unwrap } from "./unwrap.ts";

type Check = {
  readonly name: string;
  readonly outcome: "ok" | "missing" | "failed";
  readonly detail: string;
  readonly remedy?: string;
};

/** Checks the environment by doing what the main job does, in a folder of its own, and by seeing that its alarms go off. */
export async function run({ terminal, json, root }: Invocation): Promise<number> {
  const checks = [checkNode(), ...(await checkEngine()), ...(await checkLedger()), checkProjection(), ...checkWorkspace(root)];
  if (json) terminal.print(JSON.stringify({ checks }));
  const marks = {
    ok: terminal.paint("green", "ok     "),
    missing: terminal.paint("yellow", "missing"),
    failed: terminal.paint("red", "FAILED "),
  };
  for (const { name, outcome, detail, remedy } of checks) {
    terminal.say(`${marks[outcome]}  ${name.padEnd(26)}  ${detail}`);
    if (remedy !== undefined && outcome !== "ok") terminal.say(`         ${terminal.paint("blue", "hint")}: ${remedy}`);
  }
  return checks.some(({ outcome }) => outcome === "failed") ? EXIT.environment : EXIT.ok;
}

function checkNode(): Check {
  const { node, v8 } = process.versions;
  return { name: "node", outcome: "ok", detail: `${node}, V8 ${v8}, ${process.platform} ${process.arch}` };
}

async function attempt(name: string, remedy: string, act: () => Promise<string>): Promise<Check> {
  try {
    return { name, outcome: "ok", detail: await act(), remedy };
  } catch (error) {
    return { name, outcome: "failed", detail: error instanceof Error ? error.message : String(error), remedy };
  }
}

function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

// (module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
//   (memory (export "memory") 1) (data (i32.const 0) "\08\00\00\00\03\00\00\00ok\n")
//   (func (export "_start") (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))
const GREETER =
  "0061736d01000000010c0260047f7f7f7f017f60000002230116776173695f736e617073686f745f70726576696577310866645f77726974650000030201010503010001071302066d656d6f72790200065f737461727400010a0f010d00410141004101411010001a0b0b11010041000b0b08000000030000006f6b0a";
// (module (func (export "_start") (loop (br 0))))
const SPINNER = "0061736d0100000001040160000003020100070a01065f737461727400000a0901070003400c000b0b";

async function checkEngine(): Promise<readonly Check[]> {
  const remedy = "the sandbox is a Node process of its own; see what keeps it from starting";
  const opened = await openV8Engine({ slots: 1 });
  if (!opened.ok) return [{ name: "engine", outcome: "failed", detail: explainEngineFault(opened.fault).message, remedy }];
  const engine = opened.value;
  const { version, isolation } = engine;
  try {
    return [
      await attempt("engine runs a guest", remedy, () => greet(engine)),
      await attempt("fuel budget stops a guest", remedy, () =>
        trip(engine, { fuel: 100_000, wallMs: 10_000 }, "engine/fuel-exhausted"),
      ),
      await attempt("deadline kills a guest", remedy, () =>
        trip(engine, { fuel: Number.MAX_SAFE_INTEGER, wallMs: 100 }, "engine/deadline"),
      ),
      await attempt("engine goes on after it", remedy, () => greet(engine)),
      { name: "isolation", outcome: "ok", detail: `${isolation.join(", ")} (${version})` },
      ...missingLayers(isolation),
    ];
  } finally {
    await engine.close();
  }
}

const INSTALL = "on Linux: install bubblewrap (apt-get install bubblewrap, dnf install bubblewrap)";
const LIMITS = "groups were made, and no process could enter one: see what guards the control groups of this machine";

/** Layers that can stand around a sandbox, what is open without them, and how to get them. */
const LAYERS = [
  ["die-with-parent", "a spinning guest outlives a worker that is killed", "on Linux: install util-linux (setpriv)"],
  ["no-new-privileges", "the sandbox process may gain privileges", "on Linux: install util-linux (setpriv)"],
  ["bubblewrap", "the sandbox process shares the host's files, network and processes", INSTALL],
  ["seccomp", "the sandbox process may make every system call", INSTALL],
  ["cgroup-memory", "a guest that has taken over its sandbox process may fill the machine's memory", LIMITS],
  ["cgroup-pids", "a guest that has taken over its sandbox process may start threads without end", LIMITS],
] as const;

/** A policy that demands one of these is denied its runs here; without such a policy, receipts name what there is. */
function missingLayers(isolation: readonly string[]): readonly Check[] {
  const lost = new Set(readLostLayers());
  const diagnosis = diagnoseLostLayers();
  const limits = new Map(readMissingLimits().map((one) => [`cgroup-${one.controller}`, one]));
  return LAYERS.filter(([layer]) => !isolation.includes(layer)).map(([layer, open, remedy]) => {
    const why = limits.get(layer) ?? (lost.has(layer) && !layer.startsWith("cgroup-") ? diagnosis : undefined);
    const detail = why === undefined ? open : `${open}; ${why.detail}`;
    return { name: `isolation by ${layer}`, outcome: "missing", detail, remedy: why?.remedy ?? remedy };
  });
}

async function greet(engine: Engine): Promise<string> {
  const report = await engine.run(jobOf(GREETER, { fuel: 1000, wallMs: 10_000 }));
  expect(
    report.fault === undefined && report.exitCode === 0,
    `the guest ended with ${report.fault === undefined ? report.exitCode : explainEngineFault(report.fault).message}`,
  );
  expect(Buffer.from(report.stdout).toString() === "ok\n", "the guest's output did not arrive");
  return `fuel ${report.usage.fuel}`;
}

async function trip(engine: Engine, budget: { readonly fuel: number; readonly wallMs: number }, code: string): Promise<string> {
  const report = await engine.run(jobOf(SPINNER, budget));
  expect(report.fault?.code === code, `expected ${code}, and got ${report.fault?.code ?? "no fault"}`);
  return `${code} after ${report.usage.wallMs.toFixed(0)} ms`;
}

function jobOf(hex: string, { fuel, wallMs }: { readonly fuel: number; readonly wallMs: number }): EngineJob {
  const bytes = unwrap(parseHex(hex), ({ code }) => ({ message: code }));
  return {
    tenant: "verify-env",
    digest: digestOf(sha256, bytes),
    bytes,
    entry: undefined,
    numericArgs: [],
    argv: ["verify-env"],
    env: [],
    stdin: new Uint8Array(),
    mounts: [],
    capabilities: ["stdout"],
    budgets: { wallMs, memoryBytes: 1024 * 1024, fuel, outputBytes: 1024 },
    seed: new Uint8Array(32),
  };
}

async function checkLedger(): Promise<readonly Check[]> {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-verify-env-"));
  const remedy = `the ledger was tried in ${tmpdir()}; check that it can be written and flushed`;
  const { privateKey } = generateKeyPairSync("ed25519");
  const origin = "nightcore.local/verify-env";
  const vkey = encodeVkey(unwrap(makeLogKey(sha256, origin, publicKeyOf(privateKey)), ({ code }) => ({ message: code })));
  try {
    return [
      await attempt("ledger writes and verifies", remedy, async () => {
        const ledger = unwrap(await openLedgerWriter({ folder, origin, key: privateKey, thread: true }), explainLedgerFault);
        for (let n = 0; n < 3; n++) unwrap(await ledger.append([utf8(statementOf(n))]), explainLedgerFault);
        unwrap(await ledger.close(), explainLedgerFault);
        const { size, problems } = unwrap(await verifyLedger({ folder, vkey, signatures: true }), explainLedgerFault);
        expect(size === 3 && problems.length === 0, problems[0]?.detail ?? `${size} entries instead of 3`);
        return "3 entries, flushed, signed, tree rebuilt";
      }),
      await attempt("a flipped byte is noticed", remedy, async () => {
        const bundle = join(folder, "public", "tile", "entries", "000.p", "3");
        const bytes = readFileSync(bundle);
        bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
        writeFileSync(bundle, bytes);
        const { problems } = unwrap(await verifyLedger({ folder, vkey }), explainLedgerFault);
        expect(problems.length > 0, "a changed entry went unnoticed");
        return problems[0]?.code ?? "";
      }),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function statementOf(n: number): string {
  const subject = [{ name: "verify-env", digest: { sha256: "00".repeat(32) } }];
  return JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject,
    predicateType: "urn:nightcore:check:v1",
    predicate: { n },
  });
}

function checkProjection(): Check {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-verify-env-"));
  try {
    const { projection } = Projection.open(join(folder, "state.db"));
    projection.commit(1);
    projection.close();
    const again = Projection.open(join(folder, "state.db")).projection;
    const { applied } = again;
    again.close();
    return { name: "projection", outcome: applied === 1 ? "ok" : "failed", detail: `SQLite ${process.versions["sqlite"] ?? ""}` };
  } catch (error) {
    return { name: "projection", outcome: "failed", detail: String(error) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkWorkspace(root: string): readonly Check[] {
  const { config, nodeKey } = layOut(root);
  if (statSync(config, { throwIfNoEntry: false }) === undefined) {
    return [{ name: "workspace", outcome: "missing", detail: "there is none here", remedy: "make one with `nightcore init`" }];
  }
  const key = statSync(nodeKey, { throwIfNoEntry: false });
  if (key === undefined)
    return [
      {
        name: "node key",
        outcome: "failed",
        detail: "`.nightcore/node.key` is missing",
        remedy: "get it back: without it the log cannot go on",
      },
    ];
  const open = (key.mode & 0o077) !== 0;
  const detail = open ? `others can read it (mode ${(key.mode & 0o777).toString(8)})` : "only its owner can read it";
  return [{ name: "node key", outcome: open ? "failed" : "ok", detail, remedy: "chmod 600 .nightcore/node.key" }];
}
