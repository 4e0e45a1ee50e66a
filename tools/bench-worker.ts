/**
 * The worker as the command line joins it, from the real parts, for benches: the ledger's writer in its thread, the engine on V8 with
 * two slots, Cedar with the default policies, the projection in SQLite, blobs in files.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compilePolicies, DEFAULT_POLICIES, openCedarEngine } from "../packages/nightcore/src/cedar/index.ts";
import { digestOf, type Result, utf8 } from "../packages/nightcore/src/core/index.ts";
import { describeV8Engine, openV8Engine } from "../packages/nightcore/src/engine/v8/index.ts";
import { openBlobs } from "../packages/nightcore/src/store/blobs/index.ts";
import { random, readPrivateKey, sha256, verifyEd25519 } from "../packages/nightcore/src/store/keys/index.ts";
import { openModuleFolder } from "../packages/nightcore/src/store/modules/index.ts";
import { Projection } from "../packages/nightcore/src/store/sqlite/index.ts";
import { openLedgerWriter } from "../packages/nightcore/src/store/tiles/index.ts";
import { layOut } from "../packages/nightcore/src/store/workspace/index.ts";
import { TrustStore } from "../packages/nightcore/src/trust/index.ts";
import { Pipeline, PolicyShelf, Recorder, type RunRequest } from "../packages/nightcore/src/worker/index.ts";
import { GREETING } from "./bench-workspace.ts";

const MODULE_BYTES_MAX = 1024 * 1024;

const crypto = { sha256, verifyEd25519 };
const REQUEST: RunRequest = {
  mode: "run",
  entry: undefined,
  args: [],
  env: [],
  stdin: new Uint8Array(),
  operatorGrants: [],
};

function must<T>(result: Result<T, { readonly code: string }>): T {
  if (!result.ok) throw new Error(result.fault.code);
  return result.value;
}

/** A worker in a workspace whose first tenant prints the bench's greeting. */
export type BenchWorker = {
  /** One passage of the first tenant through the whole pipeline. Throws when it did not come out as it should. */
  run(): Promise<void>;
  /** Writes out the rows of all runs so far, as a worker that stays does from time to time. */
  commit(): void;
  close(): Promise<void>;
};

/** Opens the worker of a workspace that `makeWorkspace` has made. */
export async function openBenchWorker(workspace: string): Promise<BenchWorker> {
  const layout = layOut(workspace);
  const key = must(readPrivateKey(layout.nodeKey, () => undefined));
  const ledger = must(await openLedgerWriter({ folder: layout.ledger, origin: "bench.invalid/workspace", key, thread: true }));
  const { projection: rows } = Projection.open(layout.state);
  const recorder = new Recorder({ ledger, rows, sha256 }, rows.applied);
  const engine = must(await openV8Engine({ slots: 2 }));
  const trust = readFileSync(layout.trustStore);
  const files = { "_default.json": readFileSync(join(layout.policies, "_default.json"), "utf8") };
  const version = { number: 1, digest: digestOf(sha256, utf8("the default policies")) };
  const compiled = must(compilePolicies([{ file: "default.cedar", text: DEFAULT_POLICIES }]));
  // As in a session whose log has no answer: questions are recorded.
  const known = { sha256, find: () => undefined, expect: () => false };
  const policyEngine = openCedarEngine({ name: version.digest, policies: compiled }, known);
  policyEngine.open();
  const pipeline = new Pipeline({
    clock: Date.now,
    random,
    crypto,
    recorder,
    rows,
    store: must(TrustStore.parse(trust, crypto)),
    trustStore: digestOf(sha256, trust),
    blobs: openBlobs(layout.blobs),
    policies: new PolicyShelf({ version, files }, sha256),
    policyEngine,
    moduleBytesMax: MODULE_BYTES_MAX,
    origin: "bench.invalid/workspace",
    engine,
    backend: "wasm",
    isolation: describeV8Engine().isolation,
  });
  const source = must(openModuleFolder(workspace, "modules/t0000", MODULE_BYTES_MAX));
  return {
    async run(): Promise<void> {
      const record = must(await pipeline.process(source, REQUEST));
      if (Buffer.from(record.stdout).toString() !== GREETING) throw new Error(`it ended as ${JSON.stringify(record)}`);
    },
    commit: () => rows.commit(recorder.applied),
    async close(): Promise<void> {
      must(await ledger.close());
      rows.commit(recorder.applied);
      rows.close();
      await engine.close();
    },
  };
}

/** Does `run` as often as said, so many at once. */
export async function repeatAtOnce(atOnce: number, count: number, run: () => Promise<void>): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
