import type { Budgets, Bytes, Capability, Digest } from "#core";
import type { Cancellation, Engine, EngineJob, EngineReport } from "../engine.ts";

/** What the suite is handed, because this room has no power of its own: an assembler of the text format, and SHA-256. */
export type ComplianceTools = {
  readonly assemble: (text: string) => Bytes;
  readonly digest: (bytes: Bytes) => Digest;
};

/** The engine that is being tried, and how to put a job to it. */
export type Subject = { readonly engine: Engine; readonly tools: ComplianceTools };

const BUDGETS: Budgets = { wallMs: 20_000, memoryBytes: 4 * 1_048_576, fuel: 50_000_000, outputBytes: 4096 };
const GRANTED: readonly Capability[] = ["stdout"];

/** One promise of {@link Engine}: what keeps it from being kept, nothing when it is. */
export type EngineRule = { readonly name: string; readonly check: (subject: Subject) => Promise<readonly string[]> };

/** What a case sets of its job; budgets are those of the suite but for what is named. */
export type Wish = Partial<Omit<EngineJob, "budgets">> & { readonly budgets?: Partial<Budgets> };

/** A job with a module in text, small budgets, and no grant but to print. */
export function jobOf({ assemble, digest }: ComplianceTools, text: string, { budgets, ...wish }: Wish = {}): EngineJob {
  const bytes = wish.bytes ?? assemble(text);
  return {
    tenant: "compliance",
    digest: digest(bytes),
    bytes,
    entry: undefined,
    numericArgs: [],
    argv: ["guest"],
    env: [],
    stdin: new Uint8Array(0),
    mounts: [],
    capabilities: GRANTED,
    seed: new Uint8Array(32),
    ...wish,
    budgets: { ...BUDGETS, ...budgets },
  };
}

/** Runs a module in text. */
export function runText(
  { engine, tools }: Subject,
  text: string,
  wish?: Wish,
  cancellation?: Cancellation,
): Promise<EngineReport> {
  return engine.run(jobOf(tools, text, wish), cancellation);
}

/** How a run ended, in one word: `exit 0`, or the code of its fault. */
export function endOf({ fault, exitCode }: EngineReport): string {
  return fault?.code ?? `exit ${exitCode ?? "unknown"}`;
}

/** A caller's wish to end a run. */
export function makeCancellation(): Cancellation & { abort(): void } {
  const listeners = new Set<() => void>();
  let aborted = false;
  return {
    get aborted() {
      return aborted;
    },
    addEventListener: (_, listener) => void listeners.add(listener),
    removeEventListener: (_, listener) => void listeners.delete(listener),
    abort() {
      aborted = true;
      for (const listener of listeners) listener();
    },
  };
}

/** A problem when two things are not the same, told with both; nothing when they are. */
export function differ(what: string, found: unknown, expected: unknown): readonly string[] {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  return left === right ? [] : [`${what}: ${left ?? "undefined"} instead of ${right ?? "undefined"}`];
}
