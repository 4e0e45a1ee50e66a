/// <reference lib="esnext.disposable" preserve="true" />
import { hash } from "node:crypto";
import { digestOf, type Sha256 } from "#core";
import { openV8Engine } from "#engine/v8";
import { type Engine, explainEngineFault, type Print } from "#ports";
import { type GuestOutcome, outcomeOf, refusedOutcome } from "./guest-outcome.ts";
import { type GuestRun, jobOf } from "./guest-run.ts";

/** How to open an engine. */
export type EngineOptions = {
  /** Sandbox processes, each of which runs one guest at a time; further runs wait. Default: 1. */
  readonly processes?: number | undefined;
};

/** An engine that is open until it is closed; idle, it does not keep its caller's process alive. */
export type GuestEngine = AsyncDisposable & {
  /** What executes. Two runs under equal versions are comparable. */
  readonly version: string;
  /** The layers between guest and host that are in place on this machine. */
  readonly isolation: readonly string[];
  /** Runs a guest. Whatever the module is and does, it resolves and says so; it throws for what is no request at all. */
  run(run: GuestRun): Promise<GuestOutcome>;
  /** Ends every run that is under way as `engine/unavailable` or `engine/cancelled`, and waits for the processes to be gone. */
  close(): Promise<void>;
};

const sha256: Sha256 = (bytes) => hash("sha256", bytes, "buffer");

/**
 * Opens sandbox processes and resolves when one is ready, or when none will ever be: the first run then says
 * `engine/unavailable`, and why. POWER: starts and kills processes.
 */
export async function openEngine({ processes = 1 }: EngineOptions = {}): Promise<GuestEngine> {
  const opened = await openV8Engine({ slots: processes });
  if (!opened.ok) throw new Error(explainEngineFault(opened.fault).message);
  const engine = opened.value;
  const close = (): Promise<void> => engine.close();
  const { version, isolation } = engine;
  return { version, isolation, run: (run) => runGuest(engine, run), close, [Symbol.asyncDispose]: close };
}

async function runGuest(engine: Engine, run: GuestRun): Promise<GuestOutcome> {
  if (!(run.module instanceof Uint8Array)) throw new TypeError("`module` must be the bytes of a module, a Uint8Array");
  const job = jobOf(run, sha256);
  if (!job.ok) return refusedOutcome(job.fault, digestOf(sha256, run.module));
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const listener = run.print && guard(run.print, end);
  if (run.signal?.aborted === true) end();
  run.signal?.addEventListener("abort", end);
  try {
    const report = await engine.run(job.value, ended.signal, listener?.print);
    listener?.rethrow();
    return outcomeOf(report, job.value.digest);
  } finally {
    run.signal?.removeEventListener("abort", end);
  }
}

/** A listener that throws ends its own run, and not the sandbox's conversation of whichever run comes next. */
function guard(print: Print, end: () => void): { readonly print: Print; rethrow(): void } {
  let thrown: { readonly error: unknown } | undefined;
  return {
    print(stream, bytes) {
      if (thrown !== undefined) return;
      try {
        print(stream, bytes);
      } catch (error) {
        thrown = { error };
        end();
      }
    },
    rethrow() {
      // eslint-disable-next-line typescript/only-throw-error
      if (thrown !== undefined) throw thrown.error;
    },
  };
}
