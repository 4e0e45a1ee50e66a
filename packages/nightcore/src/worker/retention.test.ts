import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Digest, digestOf, encodeTime, utf8 } from "#core";
import { type Event, evolve, MemoryRows } from "#state";
import { sha256 } from "#store/keys";
import { deletionEvents, findExpired } from "./retention.ts";

const DAY_MS = 86_400_000;
const NOW_MS = 100 * DAY_MS;

const digest = (name: string): Digest => digestOf(sha256, utf8(name));

type Names = {
  readonly module: string;
  readonly stdin?: string;
  readonly called?: string;
  readonly file?: string;
  readonly stdout?: string;
  readonly calls?: string;
  readonly stream?: string;
};

/** A run that ended so many days ago, with its inputs and outputs by name. */
function run(daysAgo: number, { module, stdin = "", called, file, stdout = "", calls, stream }: Names): readonly Event[] {
  const at = encodeTime(NOW_MS - daysAgo * DAY_MS);
  const listing = file === undefined ? [] : [`file "f" ${digest(file)}`];
  const mounts = [{ guestPath: "/sandbox", digest: digest(listing.join()), files: listing.length, bytes: 1, listing }];
  const common = { run: `run-${daysAgo}-${module}`, tenant: "t", at, digest: digest(module) };
  const byDigest = called === undefined ? {} : { arguments: { digest: digest(called), bytes: 9000 } };
  const intent = { kind: "intent", ...common, stdin: { digest: digest(stdin), bytes: 1 }, mounts, ...byDigest };
  const came = stream === undefined ? {} : { stdin: { digest: digest(stream), bytes: 1, pieces: digest(`${stream} in pieces`) } };
  const trace = calls === undefined ? {} : { hostCallTrace: { digest: digest(calls), bytes: 17 } };
  const outcome = { kind: "outcome", ...common, stdout: { digest: digest(stdout), bytes: 1 }, stderr: null, ...trace, ...came };
  return [intent, outcome] as unknown as readonly Event[];
}

function expired(events: readonly Event[], policy: { inputsDays: number; outputsDays: number }, rows = new MemoryRows()) {
  return findExpired(events, policy, { blobs: { get: () => undefined }, rows, nowMs: NOW_MS });
}

const OLD = run(40, { module: "m", stdin: "in", called: "args", file: "f", stdout: "out", calls: "trace" });
const has = (found: readonly Digest[], ...names: readonly string[]) => names.map((name) => found.includes(digest(name)));

test("zero days keep everything for ever", () => {
  assert.deepEqual(expired(OLD, { inputsDays: 0, outputsDays: 0 }), []);
});

test("inputs and outputs go by their own number of days", () => {
  assert.deepEqual(has(expired(OLD, { inputsDays: 30, outputsDays: 0 }), "m", "in", "args", "f", "out", "trace"), [
    true,
    true,
    true,
    true,
    false,
    false,
  ]);
  assert.deepEqual(has(expired(OLD, { inputsDays: 0, outputsDays: 30 }), "m", "in", "args", "f", "out", "trace"), [
    false,
    false,
    false,
    false,
    true,
    true,
  ]);
  assert.deepEqual(expired(OLD, { inputsDays: 50, outputsDays: 40 }), []);
});

test("what came as a stream is an input, and stands in the outcome", () => {
  const streamed = run(40, { module: "m", stdout: "out", stream: "came" });
  const rows: readonly (readonly [inputsDays: number, outputsDays: number, gone: boolean])[] = [
    [30, 0, true],
    [0, 30, false],
    [50, 30, false],
  ];
  for (const [inputsDays, outputsDays, gone] of rows)
    assert.deepEqual(has(expired(streamed, { inputsDays, outputsDays }), "came", "came in pieces"), [gone, gone]);
});

test("what a younger run names stays, in whichever order they stand", () => {
  const young = run(1, { module: "m", stdin: "out" });
  for (const events of [
    [...OLD, ...young],
    [...young, ...OLD],
  ])
    assert.deepEqual(has(expired(events, { inputsDays: 30, outputsDays: 30 }), "m", "in", "out"), [false, true, false]);
});

test("bytes in quarantine are evidence and stay", () => {
  const rows = new MemoryRows();
  evolve(rows, { kind: "quarantine", at: "", digest: digest("m"), reason: "seen" }, { index: 1 });
  assert.deepEqual(has(expired(OLD, { inputsDays: 30, outputsDays: 30 }, rows), "m", "in"), [false, true]);
});

test("what was submitted or approved stays: the next reviewer compares with it", () => {
  const approval = { kind: "approval", at: encodeTime(0), digest: digest("m"), manifest: digest("in") } as unknown as Event;
  const found = expired([...OLD, approval], { inputsDays: 30, outputsDays: 30 });
  assert.deepEqual(has(found, "m", "in", "f"), [false, false, true]);
});

test("every digest is recorded once, in entries that fit", () => {
  fc.assert(
    fc.property(fc.nat({ max: 1700 }), (count) => {
      const blobs = Array.from({ length: count }, (_, n) => digest(String(n)));
      const events = deletionEvents(blobs, { policy: { inputsDays: 1, outputsDays: 0 }, at: encodeTime(NOW_MS) });
      assert.deepEqual(
        events.flatMap((event) => event.blobs),
        blobs,
      );
      for (const event of events) assert.ok(JSON.stringify(event).length < 45_000);
    }),
    { numRuns: 20 },
  );
});
