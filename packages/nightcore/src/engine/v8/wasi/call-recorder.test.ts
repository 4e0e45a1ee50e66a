import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  compareHostCallTraces,
  encodeHostCallTrace,
  HOST_CALLS,
  type HostCallTrace,
  NOT_RETURNED,
  parseHostCallTrace,
  TRACE_BYTES_MAX,
  TRACE_CHECKPOINTS_MAX,
  TRACED_CALLS_MAX,
  traceSpacing,
} from "#core";
import { CallRecorder } from "./call-recorder.ts";

type Call = { readonly call: number; readonly parameters: readonly (number | bigint)[]; readonly errno: number };

function record(calls: Iterable<Call>): HostCallTrace {
  const recorder = new CallRecorder();
  for (const { call, parameters, errno } of calls) {
    recorder.count++;
    recorder.current = call;
    recorder.begin([...parameters, undefined, undefined]);
    recorder.end(errno);
  }
  const bytes = recorder.encode();
  if (bytes === undefined) return { count: 0, digest: [0, 0], calls: [], checkpoints: [] };
  assert.ok(bytes.length <= TRACE_BYTES_MAX);
  const trace = parseHostCallTrace(bytes);
  assert.ok(trace !== undefined, "what is recorded can be read");
  assert.deepEqual(encodeHostCallTrace(trace), bytes);
  return trace;
}

function* someCalls(count: number, changed = -1, change: Partial<Call> = {}): Generator<Call> {
  for (let n = 0; n < count; n++) {
    const call: Call = { call: n % HOST_CALLS.length, parameters: [n, BigInt(n) << 33n], errno: n % 3 };
    yield n === changed ? { ...call, ...change } : call;
  }
}

const CHANGE: fc.Arbitrary<Partial<Call>> = fc.oneof(
  fc.constant({ errno: 9 }),
  fc.constant({ parameters: [-1, -1n] }),
  fc.integer({ min: -(2 ** 31), max: -1 }).map((one) => ({ parameters: [one, 1n << 40n] })),
  fc.constant({ parameters: [] }),
);

test("the first call that differs is found: exactly among the first, and else between two digests", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 70_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      CHANGE,
      (count, where, change) => {
        const changed = Math.floor(where * (count - 1));
        const difference = compareHostCallTraces(record(someCalls(count)), record(someCalls(count, changed, change)));
        assert.ok(difference !== undefined, "a call that differs");
        assert.ok(difference.after <= changed && changed < difference.by, `${changed} in ${JSON.stringify(difference)}`);
        if (changed >= TRACED_CALLS_MAX) {
          assert.equal(difference.calls, undefined);
          assert.ok(difference.by - difference.after <= traceSpacing(count));
        } else assert.deepEqual([difference.after, difference.by], [changed, changed + 1]);
        assert.equal(compareHostCallTraces(record(someCalls(count)), record(someCalls(count))), undefined, "a control");
      },
    ),
    { numRuns: 30 },
  );
});

test("where one run called more than the other, the calls of the shorter one are the same", () => {
  fc.assert(
    fc.property(fc.nat(70_000), fc.integer({ min: 1, max: 70_000 }), fc.boolean(), (count, more, swapped) => {
      const traces = [record(someCalls(count)), record(someCalls(count + more))] as const;
      const difference = swapped ? compareHostCallTraces(traces[1], traces[0]) : compareHostCallTraces(...traces);
      assert.ok(difference !== undefined);
      assert.ok(difference.after <= count && count < difference.by, `${count} in ${JSON.stringify(difference)}`);
      if (count < TRACED_CALLS_MAX) assert.deepEqual([difference.after, difference.by], [count, count + 1]);
    }),
    { numRuns: 30 },
  );
});

test("a million calls keep no more than a trace may have, and a call that does not return is the last of it", () => {
  const trace = record(someCalls(1_000_000));
  assert.equal(trace.count, 1_000_000);
  assert.equal(trace.calls.length, TRACED_CALLS_MAX);
  assert.ok(trace.checkpoints.length > TRACE_CHECKPOINTS_MAX / 2 && trace.checkpoints.length <= TRACE_CHECKPOINTS_MAX);
  const recorder = new CallRecorder();
  assert.equal(recorder.encode(), undefined, "nothing was called");
  recorder.count++;
  recorder.current = HOST_CALLS.indexOf("proc_exit");
  recorder.begin([3]);
  const ended = parseHostCallTrace(recorder.encode() ?? assert.fail());
  assert.deepEqual(
    ended?.calls.map(({ call, errno }) => [HOST_CALLS[call], errno]),
    [["proc_exit", NOT_RETURNED]],
  );
});

test("what a call read and put is in its digest, and where it lies in the last word too", () => {
  const rows: readonly (readonly number[])[] = [[], [0], [0, 0], [1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 4, 5], [1, 2, 3, 4, 6]];
  const digests = rows.map((bytes) => {
    const recorder = new CallRecorder();
    recorder.count++;
    recorder.begin([]);
    recorder.absorbBytes(new DataView(Uint8Array.from([9, ...bytes, 9]).buffer), 1, bytes.length);
    recorder.end(0);
    return parseHostCallTrace(recorder.encode() ?? assert.fail())?.digest.join();
  });
  assert.equal(new Set(digests).size, rows.length);
});

test("only the one encoding is read, and bytes of any kind are read or refused", () => {
  const some = encodeHostCallTrace(record(someCalls(700)));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(some.length - 1), fc.nat(255)), { maxLength: 4 }),
      fc.nat(some.length),
      (changes, cut) => {
        const bytes = some.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        const trace = parseHostCallTrace(bytes);
        if (trace !== undefined) assert.deepEqual(encodeHostCallTrace(trace), bytes);
        if (cut < some.length) assert.equal(parseHostCallTrace(some.subarray(0, cut)), undefined);
        assert.equal(parseHostCallTrace(new Uint8Array([...some, 0])), undefined);
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const trace = parseHostCallTrace(bytes);
      if (trace !== undefined) assert.deepEqual(encodeHostCallTrace(trace), bytes);
    }),
  );
  const rows: readonly (readonly [lie: string, at: number, byte: number])[] = [
    ["another version", 0, 2],
    ["a number past counting", 8, 0xff],
    ["a function that there is not", 17, HOST_CALLS.length],
    ["an errno that there is not", 18, 77],
  ];
  for (const [lie, at, byte] of rows) {
    const bytes = some.slice();
    bytes[at] = byte;
    assert.equal(parseHostCallTrace(bytes), undefined, lie);
  }
});
