import type { IntentEvent, OutcomeEvent } from "./events.ts";
import type { Row, Rows } from "./rows.ts";

/** What a run was given, by digest: the module, its input, and each mounted file that the intent lists. */
export function evolveInputs(rows: Rows, event: IntentEvent, index: number): void {
  const { run, digest, stdin, mounts } = event;
  const given = new Set<string>([digest]);
  if (stdin.bytes > 0) given.add(stdin.digest);
  for (const digestOfFile of mounts.flatMap(({ listing }) => listing ?? []).flatMap(digestOfLine)) given.add(digestOfFile);
  const trees = mounts.filter(({ listing, files }) => !Array.isArray(listing) && files > 0).map((mount) => mount.digest);
  putFlows(rows, { run, direction: "in", log_index: index }, [...given]);
  putFlows(rows, { run, direction: "in-tree", log_index: index }, trees);
}

/** What a run left, by digest, and what it was given while it ran: what it read of a stream, what it printed, and the manifest of what stands in `/out`. Nothing is no output. */
export function evolveOutputs(rows: Rows, event: OutcomeEvent, index: number): void {
  const { run, stdin, stdout, stderr, outputTree } = event;
  if (stdin !== undefined && stdin.bytes > 0) putFlows(rows, { run, direction: "in", log_index: index }, [stdin.digest]);
  const printed = [stdout, stderr].flatMap((stream) => (stream === null || stream.bytes === 0 ? [] : stream.digest));
  putFlows(rows, { run, direction: "out", log_index: index }, [...new Set(printed)]);
  putFlows(rows, { run, direction: "out-tree", log_index: index }, outputTree === undefined ? [] : [outputTree.digest]);
}

type Flow = {
  readonly run: string;
  readonly direction: "in" | "out" | "in-tree" | "out-tree";
  readonly log_index: number;
};

/** What a run was given and what it left. */
export function readFlows(rows: Pick<Rows, "scan">, run: string): readonly Row[] {
  return rows.scan("flows", { range: { column: "id", from: `${run}/`, to: `${run}/~` } });
}

function putFlows(rows: Rows, flow: Flow, digests: readonly string[]): void {
  for (const digest of digests) rows.put("flows", { id: `${flow.run}/${flow.direction}/${digest}`, ...flow, digest });
}

// The digest of no bytes, which everything that is empty has.
const NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

function digestOfLine(line: string): readonly string[] {
  const digest = /^file ".*" ([0-9a-f]{64})$/s.exec(line)?.[1];
  return digest === undefined || digest === NOTHING ? [] : [digest];
}
