import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Canary, type CanaryName, CAPABILITIES, type Digest, makeCanaries } from "../packages/nightcore/src/core/index.ts";
import { openV8Engine } from "../packages/nightcore/src/engine/v8/index.ts";
import { type Engine, type EngineJob, type EngineReport, explainEngineFault } from "../packages/nightcore/src/ports/index.ts";
import { REPOSITORY } from "../tools/repository.ts";
import { jobOf, readCases } from "./conformance/wasi.ts";
import { guest, GUESTS, type GuestName } from "./journeys/guests.ts";
import { assemble, SHARED_DATA } from "./journeys/workspace.ts";

const NAMES: readonly CanaryName[] = [
  { kind: "file", name: "/home/app/key" },
  { kind: "environment", name: "SECRET" },
  { kind: "host", name: "DB" },
];
const SEED = new Uint8Array(32).fill(3);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const CANARIES = makeCanaries(NAMES, SEED, sha256);
const SECRET = CANARIES[1]?.value ?? "";
const HOST = CANARIES[2]?.value ?? "";

function jobFor(wasm: Uint8Array, canaries: readonly Canary[], more: Partial<EngineJob> = {}): EngineJob {
  const budgets = { wallMs: 5_000, memoryBytes: 64 * 1_048_576, fuel: 10_000_000, outputBytes: 100_000 };
  const digest = createHash("sha256").update(wasm).digest("hex") as Digest;
  const files = [{ path: "data.txt", bytes: new Uint8Array([104, 105]) }];
  return {
    ...{
      tenant: "t",
      digest,
      bytes: wasm,
      entry: undefined,
      numericArgs: [],
      argv: ["t"],
      env: [],
      budgets,
      seed: SEED,
      canaries,
    },
    ...{
      stdin: new Uint8Array([1, 2]),
      mounts: [{ guestPath: "/sandbox", files, folders: [] }],
      capabilities: CAPABILITIES,
      ...more,
    },
  };
}

async function withEngine(use: (engine: Engine) => Promise<void>): Promise<void> {
  const opened = await openV8Engine({ slots: 1 });
  if (!opened.ok) throw new Error(explainEngineFault(opened.fault).message);
  try {
    await use(opened.value);
  } finally {
    await opened.value.close();
  }
}

const touched = ({ fault }: EngineReport) => (fault?.code === "engine/canary" ? fault.detail : undefined);

const data = (at: number, text: string) => `(data (i32.const ${at}) "${text}")`;
/** Opens a path under a preopened folder: 3 is /sandbox, 4 is /out, 5 has the decoys. */
const open = (fd: number, at: number, length: number, create = 0) =>
  `(drop (call $path_open (i32.const ${fd}) (i32.const 0) (i32.const ${at}) (i32.const ${length}) (i32.const ${create}) (i64.const ${create === 0 ? 2 : 64}) (i64.const 0) (i32.const 0) (i32.const 40)))`;
const print = (fd: string, at: number, length: number) => `(call $print ${fd} (i32.const ${at}) (i32.const ${length}))`;
const out = "(i32.const 1)";
const said = (text: string) => guest(print(out, 600, text.length), data(600, text));
const AFTERWARDS = `(call $print (i32.const 1) (i32.const 512) (i32.const 4))`; // prints `data`, if it is still there to do it

const TOUCHES: readonly (readonly [what: string, wat: string, decoy: string | undefined])[] = [
  ["opens a decoy file", guest(`${open(5, 600, 7)} ${AFTERWARDS}`, data(600, "app/key")), "file:/home/app/key"],
  ["opens it by a detour", guest(`${open(5, 600, 16)} ${AFTERWARDS}`, data(600, "app/../app/./key")), "file:/home/app/key"],
  ["opens the folder of a decoy", guest(open(5, 600, 3), data(600, "app")), undefined],
  ["opens what is not there", guest(open(5, 600, 7), data(600, "app/kex")), undefined],
  [
    "lists the decoys",
    guest("(drop (call $fd_readdir (i32.const 5) (i32.const 1024) (i32.const 4096) (i64.const 0) (i32.const 4)))"),
    undefined,
  ],
  ["prints all of its variables", GUESTS.environment, "environment:SECRET"],
  ["reads all of its variables", guest("(drop (call $environ_get (i32.const 16) (i32.const 1024)))"), undefined],
  ["prints a host's name", said(HOST), "host:DB"],
  ["prints half of a value", said(SECRET.slice(1)), undefined],
  ["prints a value to stderr", guest(print("(i32.const 2)", 600, 40), data(600, SECRET)), "environment:SECRET"],
  [
    "prints a value byte by byte",
    guest(
      `(local $n i32) (loop $on (call $print (i32.const 1) (i32.add (i32.const 600) (local.get $n)) (i32.const 1))
        (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $on (i32.lt_u (local.get $n) (i32.const 40)))) ${AFTERWARDS}`,
      data(600, SECRET),
    ),
    "environment:SECRET",
  ],
  ["prints it in base64", said(Buffer.from(`x=${SECRET}`).toString("base64")), "environment:SECRET"],
  ["names a value in a path", guest(`${open(3, 600, 40)} ${AFTERWARDS}`, data(600, SECRET)), "environment:SECRET"],
  [
    "leaves a value in /out",
    guest(`${open(4, 600, 1, 1)} ${print("(i32.load (i32.const 40))", 610, 40)}`, data(600, "f") + data(610, SECRET)),
    "environment:SECRET",
  ],
];

test("whoever touches a decoy is ended there, and the decoy is named", () =>
  withEngine(async (engine) => {
    for (const [what, wat, decoy] of TOUCHES) {
      const report = await engine.run(jobFor(assemble(wat), CANARIES));
      assert.equal(touched(report), decoy, what);
      assert.ok(!Buffer.from(report.stdout).toString().endsWith("data"), `${what}: it went on`);
      if (decoy === undefined) assert.equal(report.fault, undefined, what);
      // The same guest with other decoys, which it knows nothing of.
      const others = makeCanaries(NAMES, new Uint8Array(32), sha256);
      const elsewhere = await engine.run(
        jobFor(assemble(wat), what.includes("value") ? others : [], { seed: new Uint8Array(32) }),
      );
      assert.equal(touched(elsewhere), undefined, what);
    }
    const wasm = assemble(GUESTS.environment);
    const taken = await engine.run(jobFor(wasm, [], { env: [`SECRET=${SECRET}`] }));
    assert.equal(taken.fault, undefined, "a value that is no decoy of this run");
    const unseen = await engine.run(jobFor(assemble(GUESTS.file), CANARIES, { capabilities: ["stdout"] }));
    assert.equal(touched(unseen), undefined, "without `fs:read` there are no files, and no decoys among them");
  }));

// They print every variable that there is, which is what a decoy among them is for; the table above has it as a touch.
const LEAKS: ReadonlySet<string> = new Set(["environment", "args-and-environ.wat"]);

test("no honest guest raises an alarm, and each ends as it does without decoys", () =>
  withEngine(async (engine) => {
    const names = (Object.keys(GUESTS) as GuestName[]).filter((name) => !LEAKS.has(name));
    assert.ok(names.length > 20);
    for (const name of names) {
      const wasm = assemble(GUESTS[name]);
      const budgets = { wallMs: 5_000, memoryBytes: 4 * 1_048_576, fuel: 200_000, outputBytes: 10_000 };
      const capabilities = CAPABILITIES.filter((one) => !one.endsWith(":real"));
      const seen = async (canaries: readonly Canary[]) => {
        const { exitCode, fault, results, stdout, stderr, usage, output } = await engine.run(
          jobFor(wasm, canaries, { budgets, capabilities }),
        );
        return { exitCode, fault, results, stdout, stderr, fuel: usage.fuel, output };
      };
      assert.deepEqual(await seen(CANARIES), await seen([]), name);
    }
  }));

for (const [what, folder] of [
  ["our own", join(REPOSITORY, "vectors", "wasi")],
  ["the WASI test suite's", join(SHARED_DATA, "wasi-testsuite")],
] as const)
  test(
    `no module of ${what} vectors raises an alarm`,
    { skip: existsSync(join(folder, "index.json")) ? false : "the modules are not here" },
    () =>
      withEngine(async (engine) => {
        const cases = readCases(folder);
        assert.ok(cases.length > 5);
        for (const one of cases) {
          const report = await engine.run({ ...jobOf(folder, one), canaries: CANARIES });
          assert.equal(touched(report), LEAKS.has(one.wasm) ? "environment:SECRET" : undefined, one.name);
        }
      }),
  );
