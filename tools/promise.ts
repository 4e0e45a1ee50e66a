/**
 * One promise of docs/SPECIFICATION.md and what came out: a line of JSON on the stdout of a bench.
 *
 * `ratio` is `measured / against`, both in `unit` and from the same run; `peer` says what stood on the other side.
 * `promise` is what the ratio has to be: `<= 4` or `>= 0.7`; `none` for a number that is only
 * told. `holds` says whether it is.
 */
export type PromiseLine = {
  readonly name: string;
  readonly unit: string;
  readonly measured: number;
  readonly against: number;
  readonly peer: string;
  readonly ratio: number;
  readonly promise: string;
  readonly holds: boolean;
};

const RATIO_TOLERANCE = 0.01; // LIMIT: benches round what they print to three digits

/** Makes the line of a promise from what was measured, so that ratio and verdict cannot contradict it. */
export function makePromiseLine(measured: Omit<PromiseLine, "ratio" | "holds">): PromiseLine {
  const ratio = measured.measured / measured.against;
  return { ...measured, ratio: Number(ratio.toPrecision(4)), holds: judge(ratio, measured.promise) ?? false };
}

/**
 * Reads one line, or says in a sentence what is wrong with it. A bench does not judge itself: a ratio that is not that of
 * the two numbers, or a verdict that is not that of the ratio, is refused.
 */
export function parsePromiseLine(text: string): PromiseLine | string {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return "the line is not JSON";
  }
  if (typeof line !== "object" || line === null) return "the line is not an object";
  const { name, unit, measured, against, peer, ratio, promise, holds } = line as Partial<Record<keyof PromiseLine, unknown>>;
  if (typeof name !== "string" || !isPromiseName(name)) return "`name` is not a kebab-case name";
  for (const [member, value] of Object.entries({ unit, peer, promise })) {
    if (typeof value !== "string" || value === "") return `\`${member}\` is not a text`;
  }
  for (const [member, value] of Object.entries({ measured, against, ratio })) {
    if (typeof value !== "number" || !Number.isFinite(value)) return `\`${member}\` is not a number`;
  }
  const known = { name, unit, measured, against, peer, ratio, promise, holds } as PromiseLine;
  const real = known.measured / known.against;
  if (!Number.isFinite(real) || Math.abs(known.ratio - real) > Math.abs(real) * RATIO_TOLERANCE)
    return `\`ratio\` is not measured / against, ${real}`;
  const verdict = judge(known.ratio, known.promise);
  if (verdict === undefined) return "`promise` is not `<= NUMBER`, `>= NUMBER` or `none`";
  return holds === verdict ? known : `\`holds\` is not what \`promise\` says of the ratio`;
}

/**
 * The names of the promises that a specification makes: the rows of its tables whose first cell is one name in backticks.
 */
export function readPromiseNames(specification: string): readonly string[] {
  return [...specification.matchAll(/^\|\s*`([a-z0-9]+(?:-[a-z0-9]+)*)`\s*\|/gm)].map((match) => match[1] ?? "");
}

/** Whether a text can name a promise: kebab-case, so that it can stand in a table and on a command line. */
export function isPromiseName(text: string): boolean {
  return /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(text);
}

function judge(ratio: number, promise: string): boolean | undefined {
  if (promise === "none") return true;
  const [, sign, limit] = /^(<=|>=) (\d+(?:\.\d+)?)$/.exec(promise) ?? [];
  if (limit === undefined) return undefined;
  return sign === "<=" ? ratio <= Number(limit) : ratio >= Number(limit);
}
