import { type Bytes, HOST_CALLS, OUTPUT_PATH, type OutputEntry, quote, type Refusals, utf8 } from "#core";
import type { EngineFaultCode, EngineJob, GuestConduct, Mount } from "#ports";
import type { WasmMemory } from "../web-assembly.ts";
import { CallRecorder } from "./call-recorder.ts";
import { type GuestClock, realClock, virtualClock } from "./clock.ts";
import { Decoys } from "./decoys.ts";
import { type Descriptor, DescriptorTable } from "./descriptor.ts";
import { ERRNO } from "./errno.ts";
import { FileSystem } from "./file-system.ts";
import { GuestMemory } from "./guest-memory.ts";
import type { FolderNode } from "./inode.ts";
import { collectOutput } from "./output-tree.ts";
import { type FillRandom, realRandom, seededRandom } from "./random.ts";
import { ALL_RIGHTS, FOLDER_RIGHTS, STREAM_READ_RIGHTS, STREAM_WRITE_RIGHTS } from "./rights.ts";
import { type AskInput, Input, Output, type TellWritten } from "./stdio.ts";

const DENIED_PATHS_MAX = 8; // LIMIT: a hint for an author, not a log
const OPENED_PATHS_MAX = 32; // LIMIT: enough to see which folders a guest reads from

/** Why the host ends a run from inside of a call. */
export type Ending =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "fault"; readonly code: EngineFaultCode; readonly detail: string }
  | { readonly kind: "bug"; readonly error: unknown };

/** Unwinds a call that has ended the run. The boundary of the host turns it into a trap, which no guest can catch. */
export class RunEnded extends Error {}

const OUTPUT_MOUNT: Mount = { guestPath: OUTPUT_PATH, files: [], folders: [], writable: true };

/** Everything that the calls of one run act on. */
export class WasiContext {
  readonly #job: Pick<EngineJob, "argv" | "env">;
  #args: readonly Bytes[] | undefined;
  #env: readonly Bytes[] | undefined;
  readonly descriptors = new DescriptorTable();
  readonly files: FileSystem;
  readonly clock: GuestClock;
  readonly fillRandom: FillRandom;
  readonly input: Input;
  readonly output: Output;
  readonly decoys: Decoys;
  readonly #denied = new Set<string>();
  readonly #opened = new Set<string>();
  readonly calls = new CallRecorder();
  readonly #outputFolder: FolderNode | undefined;
  #memory: GuestMemory | undefined;
  ending: Ending | undefined;
  #deniedCalls = 0;
  #escapes = 0;
  #badPointers = 0;

  constructor(
    job: Omit<EngineJob, "bytes">,
    { tell, ask }: { readonly tell?: TellWritten | undefined; readonly ask?: AskInput | undefined } = {},
  ) {
    const has = (capability: EngineJob["capabilities"][number]): boolean => job.capabilities.includes(capability);
    this.#job = job;
    this.decoys = new Decoys(job.canaries ?? []);
    this.clock = has("clock:real") ? realClock() : virtualClock();
    this.fillRandom = has("random:real") ? realRandom : seededRandom(job.seed);
    this.input = has("stdin") ? new Input(job.stdin, ask) : new Input(new Uint8Array(0));
    this.output = new Output(job.budgets.outputBytes, tell);
    const shown = has("fs:read") ? job.mounts : [];
    // Decoys come last, so that every other folder has the descriptor that it always had.
    const decoys = has("fs:read") ? this.decoys.mounts : [];
    this.files = new FileSystem([...shown, ...(has("fs:write") ? [OUTPUT_MOUNT] : []), ...decoys]);
    this.#outputFolder = has("fs:write") ? this.files.preopens[shown.length]?.folder : undefined;
    const decoyFolder = decoys.length === 0 ? undefined : this.files.preopens.at(-1)?.folder;
    if (decoyFolder !== undefined) this.decoys.watch(decoyFolder);
    this.descriptors.set(0, stream("stdin", STREAM_READ_RIGHTS));
    if (has("stdout")) {
      this.descriptors.set(1, stream("stdout", STREAM_WRITE_RIGHTS));
      this.descriptors.set(2, stream("stderr", STREAM_WRITE_RIGHTS));
    }
    this.files.preopens.forEach((preopen, i) => {
      const opened = { kind: "folder", node: preopen.folder, preopen: preopen.path } as const;
      this.descriptors.set(3 + i, { opened, rights: FOLDER_RIGHTS, inheriting: ALL_RIGHTS, flags: 0 });
    });
  }

  // Encoded when they are first asked for: many guests never do, and those that do ask twice.
  get args(): readonly Bytes[] {
    return (this.#args ??= this.#job.argv.map(terminated));
  }

  get env(): readonly Bytes[] {
    return (this.#env ??= [...this.#job.env, ...this.decoys.env].map(terminated));
  }

  bindMemory(memory: WasmMemory | undefined): void {
    this.#memory = memory === undefined ? undefined : new GuestMemory(memory, this.calls);
  }

  get memory(): GuestMemory {
    if (this.#memory !== undefined) return this.#memory;
    return this.end({ kind: "fault", code: "engine/invalid-module", detail: "a WASI call needs a memory exported as `memory`" });
  }

  end(ending: Ending): never {
    this.ending ??= ending;
    throw new RunEnded();
  }

  /** Ends the run when something touched a decoy, whose name is the fault's detail. */
  endIfTouched(decoy: string | undefined): void {
    if (decoy !== undefined) this.end({ kind: "fault", code: "engine/canary", detail: decoy });
  }

  /** What stands in `/out`; undefined when it is more than an output may have. */
  collectOutput(): readonly OutputEntry[] | undefined {
    return this.#outputFolder === undefined ? [] : collectOutput(this.#outputFolder);
  }

  get deniedPaths(): readonly string[] {
    return [...this.#denied];
  }

  /** Keeps a path that was refused, made safe to show. */
  notePath(preopen: string | undefined, path: string): void {
    if (this.#denied.size < DENIED_PATHS_MAX) this.#denied.add(showPath(preopen, path));
  }

  /** Keeps a path that was opened, made safe to show. */
  noteOpened(preopen: string | undefined, path: string): void {
    if (this.#opened.size < OPENED_PATHS_MAX) this.#opened.add(showPath(preopen, path));
  }

  /** Counts a call that was answered with an error number, when that refuses something. */
  noteAnswer(errno: number, escapes: boolean): void {
    if (errno === ERRNO.fault) this.#badPointers++;
    else if (errno === ERRNO.perm || errno === ERRNO.notcapable || errno === ERRNO.rofs) {
      this.#deniedCalls++;
      if (escapes) this.#escapes++;
    }
  }

  get refusals(): Refusals {
    return { deniedCalls: this.#deniedCalls, escapes: this.#escapes, badPointers: this.#badPointers };
  }

  get observed(): GuestConduct {
    const calls = HOST_CALLS.filter((_, n) => this.calls.called[n] === 1);
    return { calls, openedPaths: [...this.#opened] };
  }
}

function showPath(preopen: string | undefined, path: string): string {
  const prefix = preopen === undefined || path.startsWith("/") ? "" : preopen.endsWith("/") ? preopen : `${preopen}/`;
  return quote(prefix + path).slice(1, -1);
}

function terminated(text: string): Bytes {
  return utf8(`${text}\0`);
}

function stream(kind: "stdin" | "stdout" | "stderr", rights: number): Descriptor {
  return { opened: { kind }, rights, inheriting: 0, flags: 0 };
}
