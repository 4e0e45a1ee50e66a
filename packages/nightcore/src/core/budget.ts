/** What one run may use at the most. Every member is enforced and reported; none can be left out. */
export type Budgets = {
  /** From the first byte handed to the sandbox until its answer; then SIGKILL. */
  readonly wallMs: number;
  /** Linear memory, in bytes; rounded down to whole 64 KiB pages. */
  readonly memoryBytes: number;
  /** Units of the fuel meter: one per instruction, more for bulk operations. */
  readonly fuel: number;
  /** stdout and stderr together. */
  readonly outputBytes: number;
};

/** The members of {@link Budgets}, for whoever checks each of them. */
export const BUDGET_NAMES = ["wallMs", "memoryBytes", "fuel", "outputBytes"] as const;
export type BudgetName = (typeof BUDGET_NAMES)[number];

/** What a run has used, in the units of {@link Budgets}. */
export type Usage = {
  readonly wallMs: number;
  readonly memoryBytes: number;
  readonly fuel: number;
  readonly outputBytes: number;
  readonly hostCalls: number;
};

/** The smaller of each. */
export function meetBudgets(a: Budgets, b: Budgets): Budgets {
  return {
    wallMs: Math.min(a.wallMs, b.wallMs),
    memoryBytes: Math.min(a.memoryBytes, b.memoryBytes),
    fuel: Math.min(a.fuel, b.fuel),
    outputBytes: Math.min(a.outputBytes, b.outputBytes),
  };
}
