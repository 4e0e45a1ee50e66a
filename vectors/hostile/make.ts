/**
 * Guests that are too large to keep, made in memory: each wants the binary parser, the meter or V8's compilers to spend out of
 * proportion. `test/hostile.ts` and the engine's own tests run them beside the texts in this folder.
 */

/** A guest with its bytes, and the ends that are right for it: exit codes in decimal, or codes of faults. */
export type MadeGuest = { readonly name: string; readonly make: () => Uint8Array<ArrayBuffer>; readonly ends: readonly string[] };

type Part = number | readonly number[] | Uint8Array;

/** Parts one after the other. */
function join(...parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  return joinAll(parts);
}

/** The same for more parts than a call may have arguments. */
function joinAll(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const arrays = parts.map((part) => (typeof part === "number" ? [part] : part));
  const bytes = new Uint8Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    bytes.set(array, at);
    at += array.length;
  }
  return bytes;
}

/** An unsigned number in LEB128. */
function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest > 0);
  return bytes;
}

function repeat(part: readonly number[] | Uint8Array, count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(part.length * count);
  for (let i = 0; i < count; i++) bytes.set(part, i * part.length);
  return bytes;
}

/** Parts that differ, joined. */
function each(count: number, part: (index: number) => readonly number[]): Uint8Array<ArrayBuffer> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) for (const byte of part(i)) all.push(byte);
  return Uint8Array.from(all);
}

function section(id: number, ...content: readonly Part[]): Uint8Array<ArrayBuffer> {
  const body = join(...content);
  return join(id, leb(body.length), body);
}

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const NOTHING_TYPE = section(1, [1, 0x60, 0, 0]);
const START = [6, ...Array.from("_start", (letter) => letter.codePointAt(0) ?? 0)];
const EXPORT_FIRST = section(7, 1, START, [0, 0]);
const END = 0x0b;

/** The body of a function: its groups of locals and its code, with the `end` that is due. */
function body(code: Part, locals: Part = [0]): Uint8Array<ArrayBuffer> {
  const content = join(locals, code, END);
  return join(leb(content.length), content);
}

/** A module whose first function is `_start`; all functions take and return nothing. */
function moduleOf(
  bodies: readonly Uint8Array[],
  before: Part = [],
  after: Part = [],
  elements: Part = [],
): Uint8Array<ArrayBuffer> {
  const functions = section(3, leb(bodies.length), new Uint8Array(bodies.length));
  const code = section(10, leb(bodies.length), joinAll(bodies));
  return join(HEADER, NOTHING_TYPE, functions, before, EXPORT_FIRST, elements, code, after);
}

const MILLION = 1_000_000;
const BLOCK = [0x02, 0x40];
const LOOP = [0x03, 0x40];
const IF_ONE = [0x41, 1, 0x04, 0x40];
const MEMORY = section(5, [1, 0, 1]);

/** A body without its outer `end`s: `count` times an opening, and as many ends. */
const nested = (opening: readonly number[], count: number, inner: Part = []): Uint8Array<ArrayBuffer> =>
  join(repeat(opening, count), inner, repeat([END], count));

/** Each function calls the next one twice: two to the power of how many there are. */
const doubling = (count: number): Uint8Array<ArrayBuffer> => {
  const call = (index: number): number[] => [0x10, ...leb(index + 1)];
  return moduleOf(Array.from({ length: count }, (_, i) => body(i + 1 < count ? [...call(i), ...call(i)] : [])));
};

/** Each function calls the next one once. */
const chain = (count: number): Uint8Array<ArrayBuffer> =>
  moduleOf(Array.from({ length: count }, (_, i) => body(i + 1 < count ? [0x10, ...leb(i + 1)] : [])));

/** Loops inside of each other, where each may leave for every one around it: as many edges as there can be. */
const tangled = (depth: number): Uint8Array<ArrayBuffer> => {
  const leave = each(depth, (i) => [0x20, 0, 0x0d, ...leb(i)]); // local.get 0, br_if i
  return body(join(repeat(LOOP, depth), repeat(leave, 4), repeat([END], depth)), [1, 1, 0x7f]);
};

/** Calls the second function until its fuel is gone, so that the optimising compiler takes an interest in it. */
const hot = (second: Uint8Array): Uint8Array<ArrayBuffer> => moduleOf([body([...LOOP, 0x10, 1, 0x0c, 0, END]), second]);

/** One function of as many bytes as V8 allows, all of it alive: a sum of products over two hundred locals. */
const wide = (statements: number): Uint8Array<ArrayBuffer> => {
  const statement = (i: number): number[] => {
    const [from, by, to] = [i % 200, (i * 7) % 200, (i * 13) % 200].map((one) => leb(one)) as [number[], number[], number[]];
    return [0x20, ...from, 0x20, ...by, 0x6c, 0x20, ...to, 0x6a, 0x21, ...to]; // get get mul get add set
  };
  return body(each(statements, statement), [1, ...leb(200), 0x7f]);
};

/** A module of `_start` and a function from a thousand numbers to as many, which is also the second type for blocks. */
const withThousand = (code: Part): Uint8Array<ArrayBuffer> => {
  const thousand = join(leb(1_000), repeat([0x7f], 1_000));
  const types = section(1, [2, 0x60, 0, 0, 0x60], thousand, thousand);
  const bodies = [body(join(repeat([0x41, 0], 1_000), code, repeat([0x1a], 1_000))), body([0x00])];
  return join(HEADER, types, section(3, [2, 0, 1]), EXPORT_FIRST, section(10, 2, joinAll(bodies)));
};

const INVALID = ["engine/invalid-module"] as const;
const REFUSED = ["engine/invalid-module", "engine/unsupported-feature"] as const;
const STARVED = ["engine/fuel-exhausted"] as const;
const STOPPED = ["engine/fuel-exhausted", "engine/deadline", ...REFUSED, "0"] as const;

/** All of them; made one at a time, because together they are larger than what runs them. */
export const MADE_GUESTS: readonly MadeGuest[] = [
  { name: "m01-a-million-blocks", make: () => moduleOf([body(nested(BLOCK, MILLION))]), ends: INVALID },
  { name: "m02-a-million-loops", make: () => moduleOf([body(nested(LOOP, MILLION))]), ends: INVALID },
  { name: "m03-a-million-ifs", make: () => moduleOf([body(nested(IF_ONE, MILLION))]), ends: INVALID },
  { name: "m04-a-million-blocks-unclosed", make: () => moduleOf([body(repeat(BLOCK, MILLION))]), ends: INVALID },
  { name: "m05-a-million-functions", make: () => moduleOf(Array<Uint8Array>(MILLION).fill(body([]))), ends: ["0", ...REFUSED] },
  { name: "m06-functions-past-the-limit", make: () => moduleOf(Array<Uint8Array>(MILLION + 1).fill(body([]))), ends: REFUSED },
  {
    name: "m07-br-table-with-a-million-targets",
    make: () => moduleOf([body(join([0x41, 0, 0x0e], leb(MILLION), new Uint8Array(MILLION + 1)))]),
    ends: REFUSED,
  },
  {
    name: "m08-many-br-tables",
    make: () => {
      const table = join([0x41, 0, 0x0e], leb(60_000), new Uint8Array(60_001));
      return moduleOf(Array.from({ length: 100 }, () => body(table)));
    },
    ends: ["0", ...REFUSED],
  },
  {
    name: "m09-a-hundred-tables-of-ten-million",
    make: () => moduleOf([body([])], section(4, 100, repeat([0x70, 0, ...leb(10 * MILLION)], 100))),
    ends: ["engine/memory-exceeded"],
  },
  {
    name: "m10-four-billion-locals",
    make: () => moduleOf([body([], [1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f])]),
    ends: INVALID,
  },
  {
    name: "m11-locals-at-the-limit-in-a-recursion",
    make: () => moduleOf([body([0x10, 0, 0x10, 0], [1, ...leb(49_000), 0x7e])]),
    ends: ["engine/stack-overflow", ...STARVED, ...REFUSED],
  },
  {
    name: "m12-a-million-groups-of-locals",
    make: () => moduleOf([body([], join(leb(MILLION), repeat([0, 0x7f], MILLION)))]),
    ends: ["0", ...REFUSED],
  },
  {
    name: "m13-a-data-segment-of-32-megabytes",
    make: () => {
      const size = 32 * 1_048_576;
      return moduleOf(
        [body([])],
        section(5, [1, 0, ...leb(600)]),
        section(11, [1, 0, 0x41, 0, END], leb(size), new Uint8Array(size)),
      );
    },
    ends: ["0"],
  },
  {
    name: "m14-a-hundred-thousand-data-segments",
    make: () => moduleOf([body([])], MEMORY, section(11, leb(100_000), repeat([0, 0x41, 0, END, 1, 1], 100_000))),
    ends: ["0", ...REFUSED],
  },
  {
    name: "m15-a-data-segment-that-lies-about-its-size",
    make: () => moduleOf([body([])], MEMORY, section(11, [1, 1], leb(0xffff_fff0))),
    ends: INVALID,
  },
  { name: "m16-calls-that-double", make: () => doubling(1_000), ends: ["engine/fuel-exhausted", "engine/stack-overflow"] },
  { name: "m17-a-chain-of-a-hundred-thousand-calls", make: () => chain(100_000), ends: ["engine/stack-overflow"] },
  { name: "m18-loops-that-leave-for-all-others", make: () => moduleOf([tangled(500)]), ends: STOPPED },
  { name: "m19-a-function-as-wide-as-allowed", make: () => moduleOf([wide(400_000)]), ends: STOPPED },
  {
    name: "m20-a-million-values-on-the-stack",
    make: () => moduleOf([body(join(repeat([0x41, 0], MILLION), repeat([0x1a], MILLION)))]),
    ends: ["0", "engine/stack-overflow", ...REFUSED],
  },
  {
    name: "m21-seven-megabytes-of-nop",
    make: () => moduleOf([body(repeat([0x01], 7 * MILLION))]),
    ends: ["0", ...REFUSED],
  },
  {
    name: "m22-a-function-larger-than-any",
    make: () => moduleOf([body(repeat([0x01], 20 * MILLION))]),
    ends: REFUSED,
  },
  {
    name: "m23-a-million-types",
    make: () =>
      join(
        HEADER,
        section(1, leb(MILLION), repeat([0x60, 0, 0], MILLION)),
        section(3, [1, 0]),
        EXPORT_FIRST,
        section(10, 1, body([])),
      ),
    ends: REFUSED,
  },
  {
    name: "m24-a-million-exports",
    make: () => {
      const names = each(MILLION, (i) => [
        4,
        97 + (i % 26),
        97 + ((i / 26) % 26),
        97 + ((i / 676) % 26),
        97 + ((i / 17_576) % 60),
        0,
        0,
      ]);
      return join(HEADER, NOTHING_TYPE, section(3, [1, 0]), section(7, leb(MILLION), names), section(10, 1, body([])));
    },
    ends: REFUSED,
  },
  {
    name: "m25-a-million-imports",
    make: () => join(HEADER, NOTHING_TYPE, section(2, leb(MILLION), repeat([1, 97, 1, 98, 0, 0], MILLION)), section(10, 0)),
    ends: [...REFUSED, "engine/unknown-import"],
  },
  {
    name: "m26-a-section-that-claims-four-gigabytes",
    make: () => join(HEADER, 1, leb(0xffff_ffff), [1, 0x60, 0, 0]),
    ends: INVALID,
  },
  {
    name: "m27-a-count-that-claims-four-billion",
    make: () => join(HEADER, section(1, leb(0xffff_ffff))),
    ends: REFUSED,
  },
  {
    name: "m28-fifty-megabytes-of-names",
    make: () => moduleOf([body([])], [], section(0, [4, 110, 97, 109, 101], new Uint8Array(50 * 1_048_576))),
    ends: ["0", ...REFUSED],
  },
  {
    name: "m29-a-hundred-thousand-custom-sections",
    make: () => moduleOf([body([])], [], repeat(section(0, [1, 120]), 100_000)),
    ends: ["0", ...REFUSED],
  },
  {
    name: "m30-larger-than-a-module-may-be",
    make: () => moduleOf([body([])], [], section(0, [1, 120], new Uint8Array(65 * 1_048_576))),
    ends: REFUSED,
  },
  { name: "m31-a-hot-tangle", make: () => hot(tangled(500)), ends: ["engine/fuel-exhausted", "engine/deadline"] },
  { name: "m32-a-hot-wide-function", make: () => hot(wide(50_000)), ends: ["engine/fuel-exhausted", "engine/deadline"] },
  { name: "m33-blocks-at-the-bound", make: () => moduleOf([body(nested(BLOCK, 10_000))]), ends: ["0", "engine/stack-overflow"] },
  {
    name: "m34-two-hundred-functions-at-the-bound",
    make: () => moduleOf(Array<Uint8Array>(200).fill(body(nested(BLOCK, 10_000)))),
    ends: ["0", "engine/stack-overflow"],
  },
  {
    name: "m35-locals-at-the-limit-in-many-functions",
    make: () => moduleOf(Array<Uint8Array>(50_000).fill(body([], [1, ...leb(49_000), 0x7e]))),
    ends: INVALID,
  },
  {
    name: "m36-an-element-segment-of-ten-million",
    make: () => moduleOf([body([])], [], [], section(9, [1, 1, 0], leb(10 * MILLION), new Uint8Array(10 * MILLION))),
    ends: ["0", ...REFUSED],
  },
  {
    name: "m37-an-element-segment-of-a-million-expressions",
    make: () => moduleOf([body([])], [], [], section(9, [1, 5, 0x70], leb(MILLION), repeat([0xd2, 0, END], MILLION))),
    ends: ["0", ...REFUSED],
  },
  {
    name: "m38-catch-clauses-at-the-limit-in-many-functions",
    make: () => {
      const guarded = join([0x1f, 0x40], leb(60_000), repeat([0x02, 0], 60_000), END); // try_table of catch_all
      return moduleOf(Array.from({ length: 50 }, () => body(guarded)));
    },
    ends: ["0", ...REFUSED],
  },
  {
    name: "m39-a-constant-expression-of-a-million-sums",
    make: () => moduleOf([body([])], section(6, [1, 0x7f, 0, 0x41, 0], repeat([0x41, 0, 0x6a], MILLION), END)),
    ends: ["0", ...REFUSED],
  },
  {
    name: "m40-a-constant-expression-a-million-deep",
    make: () => moduleOf([body([])], section(6, [1, 0x7f, 0], repeat([0x41, 0], MILLION + 1), repeat([0x6a], MILLION), END)),
    ends: ["0", ...REFUSED],
  },
  {
    name: "m41-blocks-of-a-thousand-values-at-the-bound",
    make: () => withThousand(nested([0x02, 1], 9_990)),
    ends: INVALID,
  },
  {
    name: "m42-calls-of-a-thousand-values",
    make: () => withThousand(repeat([0x10, 1], 100_000)),
    ends: ["engine/trap", "engine/stack-overflow", "engine/deadline", ...REFUSED],
  },
  {
    name: "m43-branches-of-a-thousand-values",
    make: () => withThousand(join([0x02, 1], repeat([0x41, 0, 0x0d, 0], 100_000), END)),
    ends: INVALID,
  },
];
