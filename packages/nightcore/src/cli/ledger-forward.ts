import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fail, ok, quote, type Result } from "#core";
import {
  type Batch,
  type Destination,
  explainForwardFault,
  forward,
  type ForwardFault,
  openSink,
  parseDestination,
  readPosition,
  type TlsFiles,
  writePosition,
} from "#forward";
import type { ExportForm } from "#report";
import { random } from "#store/keys";
import { cancelOnSignal } from "./interruption.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readExportForm, readIndex, renderEnd, renderEntries } from "./log-export.ts";
import { openConfiguration, openReader, readNodePublicKey, type View } from "./session.ts";
import { unwrap } from "./unwrap.ts";

const ENTRIES_PER_BATCH = 256; // LIMIT: what a receiver confirms at once, and sees twice if the worst comes
const TRIES_MAX = 4; // LIMIT: about four seconds; with --follow there is no end
const POLL_MS = 1000;

/** Delivers what the log has published and the destination has not confirmed; with `--follow`, for ever. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, positionals, root } = invocation;
  const [asked] = positionals;
  if (asked === undefined) throw usageStop("a destination is needed", "see `nightcore help ledger forward`");
  const parsed = unwrap(parseDestination(asked), explainForwardFault);
  const destination: Destination = parsed.kind === "file" ? { ...parsed, path: resolve(root, parsed.path) } : parsed;
  const form = readExportForm(invocation);
  const tls = readTlsFiles(invocation);
  const { layout, configuration } = await openConfiguration(invocation);
  const source = { layout, configuration, publicKey: readNodePublicKey(layout) };
  const from = readIndex(invocation, "from") ?? unwrap(readPosition(layout.forward, destination.name), explainForwardFault);
  const stop = cancelOnSignal();
  const done = await forward(
    {
      sink: openSink(destination, tls),
      readBatch: (next) => readBatch({ source, form, destination }, next),
      remember: (next) => {
        writePosition(layout.forward, destination.name, next);
      },
      // A wish to stop ends a pause at once, and not a delivery: that is confirmed or sent again.
      wait: (ms) => wait(ms, undefined, { signal: stop }).catch(() => undefined),
      random: () => (random(1)[0] ?? 0) / 256,
      onFault: (fault, waitMs) => {
        terminal.say(`${explainForwardFault(fault).message}; the next try is in ${(waitMs / 1000).toFixed(1)} s`);
      },
    },
    {
      from,
      triesMax: TRIES_MAX,
      ...(invocation.flag("follow") ? { follow: { pollMs: POLL_MS, isStopped: () => stop.aborted } } : {}),
    },
  );
  const next = unwrap(done, explainForwardFault);
  terminal.say(`${next - from} entries confirmed by ${quote(destination.name)}; the next is ${next}`);
  return EXIT.ok;
}

type Reading = {
  readonly source: Pick<View, "layout" | "configuration" | "publicKey">;
  readonly form: ExportForm;
  readonly destination: Destination;
};

/** The next entries under the checkpoint that is published now. */
function readBatch({ source, form, destination }: Reading, from: number): Result<Batch | undefined, ForwardFault> {
  const reader = openReader(source);
  const { size } = reader.published;
  if (from > size) return fail({ code: "forward/log-shorter", destination: destination.name, next: from, size });
  if (from === size) return ok(undefined);
  const next = Math.min(size, from + ENTRIES_PER_BATCH);
  const lines = [...renderEntries(reader, { source, from, to: next, form })];
  return ok({ origin: source.configuration.origin, from, next, lines, checkpointLine: renderEnd(reader, source, next) });
}

function readTlsFiles(invocation: Invocation): TlsFiles {
  const read = (name: string) => {
    const file = invocation.text(name);
    if (file === undefined) return undefined;
    try {
      return readFileSync(resolve(invocation.root, file), "utf8");
    } catch {
      throw usageStop(`the file ${quote(file)} of \`--${name}\` cannot be read`);
    }
  };
  return { ca: read("ca"), cert: read("cert"), key: read("key") };
}
