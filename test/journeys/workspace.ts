import { spawnSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import wabt from "wabt";
import { parseStatement } from "../../packages/nightcore/src/attest/index.ts";
import type { JsonObject } from "../../packages/nightcore/src/core/index.ts";
import { EVENT_TYPES, splitPassage } from "../../packages/nightcore/src/state/index.ts";
import { REPOSITORY, toolEnvironment } from "../../tools/repository.ts";

const assembler = await wabt();

export const LAUNCHER: string = join(REPOSITORY, "packages", "nightcore", "bin", "nightcore.js");
export const SHARED_DATA: string = join(REPOSITORY, "..", "shared", "data");

export type Spoken = { readonly exit: number | null; readonly stdout: string; readonly stderr: string };

/** One tenant's run as `--json` prints it, as far as the tests look at it. */
export type RunSaid = {
  readonly run: string;
  readonly tenant: string;
  readonly status: string;
  readonly reasons: readonly {
    readonly code: string;
    readonly message: string;
    readonly policy?: string;
    readonly hint?: string;
  }[];
  readonly fault?: { readonly code: string; readonly message: string };
  readonly digest?: string;
  readonly exitCode?: number;
  readonly results: readonly string[];
  readonly indexes: readonly number[];
  readonly usage?: { readonly fuel: number; readonly wallMs: number };
  readonly signature: { readonly trusted: boolean; readonly manifestSigned: boolean };
  readonly stdout: { readonly text: string };
  readonly assessment?: {
    readonly findings: readonly { readonly code: string; readonly message: string }[];
    readonly contain: object | null;
  };
};

/** A module that prints a line and ends. */
export const GREETER = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\06\\00\\00\\00hello\\n")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))))`;

export function assemble(text: string): Uint8Array {
  const module = assembler.parseWat("guest.wat", text);
  try {
    return new Uint8Array(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

export type TenantFiles = {
  readonly wasm?: Uint8Array | string;
  readonly manifest?: string | object;
  readonly files?: Readonly<Record<string, string>>;
};

/** A workspace in a temporary folder, driven through the real command. */
export class Workspace {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  static make(context: TestContext, ...init: readonly string[]): Workspace {
    const root = mkdtempSync(join(tmpdir(), "nightcore-journey-"));
    context.after(() => {
      rmSync(root, { recursive: true, force: true });
    });
    const workspace = new Workspace(root);
    const made = workspace.nightcore("init", "--origin", "test.example/log", ...init);
    if (made.exit !== 0) throw new Error(`init failed: ${made.stderr}`);
    return workspace;
  }

  nightcore(...args: readonly string[]): Spoken {
    return this.nightcoreWith({}, ...args);
  }

  /** The same with more in its environment. */
  nightcoreWith(more: Readonly<Record<string, string>>, ...args: readonly string[]): Spoken {
    const { env } = toolEnvironment();
    const options = { env: { ...env, ...more }, cwd: this.root, encoding: "utf8", maxBuffer: 256 * 1024 * 1024 } as const;
    const { status, stdout, stderr, error } = spawnSync(process.execPath, [LAUNCHER, ...args], options);
    if (error !== undefined) throw error;
    return { exit: status, stdout, stderr };
  }

  /** The JSON that a command prints, whatever its exit code; the caller says what shape it relies on. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  json<T>(...args: readonly string[]): T & { readonly exit: number | null } {
    const { exit, stdout, stderr } = this.nightcore(...args, "--json");
    try {
      return { ...(JSON.parse(stdout) as T), exit };
    } catch {
      throw new Error(`\`${args.join(" ")}\` printed no JSON: ${stdout}${stderr}`);
    }
  }

  /** The run of one tenant by its name. */
  runOf(...args: readonly string[]): RunSaid & { readonly exit: number | null } {
    const { runs, exit } = this.json<{ readonly runs: readonly RunSaid[] }>("run", ...args);
    const [only] = runs;
    if (only === undefined || runs.length !== 1) throw new Error(`expected one run, got ${runs.length}`);
    return { ...only, exit };
  }

  /** What the log says of a run, step by step: the predicates in its receipt. */
  predicatesOf(run: string): readonly JsonObject[] {
    const receipt = JSON.parse(this.expect(0, "receipt", "show", run).stdout) as {
      readonly entries: readonly { readonly envelope: string }[];
    };
    return receipt.entries.flatMap(({ envelope }) => {
      const { payload } = JSON.parse(envelope) as { readonly payload: string };
      const statement = parseStatement(Buffer.from(payload, "base64"));
      if (!statement.ok) throw new Error(statement.fault.what);
      const { predicateType, predicate } = statement.value;
      return predicateType === EVENT_TYPES.passage ? splitPassage(predicate).map((step) => step.predicate) : [predicate];
    });
  }

  /** Writes a tenant's folder: a greeter that asks for stdout, unless said otherwise. Returns the folder, relative to the root. */
  addTenant(name: string, { wasm = GREETER, manifest = { permissions: ["stdout"] }, files = {} }: TenantFiles = {}): string {
    const folder = join(this.root, "modules", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "module.wasm"), typeof wasm === "string" ? assemble(wasm) : wasm);
    writeFileSync(join(folder, "manifest.json"), typeof manifest === "string" ? manifest : JSON.stringify(manifest));
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    return join("modules", name);
  }

  /** Replaces what the default policy says for one tenant, and puts it in force. */
  writePolicy(tenant: string, policy: object): void {
    writeFileSync(join(this.root, "policies", `${tenant}.json`), JSON.stringify(policy));
    this.expect(0, "policy", "activate", "--unapproved", "--comment", `what ${tenant} may`);
  }

  /** Signs tenants with a new key that is trusted for all of them. */
  signAndTrust(...tenants: readonly string[]): void {
    this.expect(0, "generate-keys", "--out-dir", "keys", "--name", "alice");
    for (const tenant of tenants) this.expect(0, "sign", "--dir", join("modules", tenant), "--key", "keys/maintainers/alice.key");
    this.expect(0, "trust", "add", "keys/maintainers/alice.pub", ...tenants.flatMap((tenant) => ["--tenant", tenant]));
  }

  expect(exit: number, ...args: readonly string[]): Spoken {
    const spoken = this.nightcore(...args);
    if (spoken.exit !== exit)
      throw new Error(`\`nightcore ${args.join(" ")}\` ended with ${spoken.exit}: ${spoken.stdout}${spoken.stderr}`);
    return spoken;
  }
}

/** A key that signs anything as v39 did, also what our own `sign` refuses. */
export class V39Key {
  readonly #key: KeyObject;
  readonly publicText: string;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    this.#key = privateKey;
    this.publicText = publicKey.export({ format: "der", type: "spki" }).subarray(12).toString("base64");
  }

  /** Writes `module.sig` and `pubkey.b64` beside a module, over bytes that need not be the module's. */
  sign(folder: string, bytes: Uint8Array): void {
    writeFileSync(join(folder, "module.sig"), sign(null, bytes, this.#key).toString("base64"));
    writeFileSync(join(folder, "pubkey.b64"), this.publicText);
  }
}
