import type { Cancellation } from "#ports";
import type { Finding } from "#guardian";
import { quote } from "#core";
import type { KillOrder } from "./kill-order.ts";

/** What an order is matched with. */
export type KillScope = { readonly tenant: string; readonly signer: string | undefined };

/**
 * Ends running guests by order. Each run that starts takes a guard, which is its cancellation; an order fires the guards that it
 * matches, and every later one. It knows the runs of this process and no others: a process is never looked for.
 */
export class KillSwitch {
  readonly #guards = new Set<KillGuard>();
  readonly #orders: KillOrder[] = [];

  /** Ends what matches. An order that is heard twice is one. */
  obey(order: KillOrder): void {
    if (this.#orders.some(({ id }) => id === order.id)) return;
    this.#orders.push(order);
    for (const guard of this.#guards) guard.hear(order);
  }

  /** The guard of a run that is about to start; fired already when an order matches. `outer` cancels it as well. */
  guard(scope: KillScope, outer?: Cancellation): KillGuard {
    const guard = new KillGuard(scope, outer, () => this.#guards.delete(guard));
    this.#guards.add(guard);
    for (const order of this.#orders) guard.hear(order);
    return guard;
  }
}

/** The cancellation of one run. */
export class KillGuard implements Cancellation {
  readonly #scope: KillScope;
  readonly #outer: Cancellation | undefined;
  readonly #onEnd: () => void;
  readonly #listeners = new Set<() => void>();
  readonly #hearOuter = () => this.#fire();
  #order: KillOrder | undefined;

  constructor(scope: KillScope, outer: Cancellation | undefined, onEnd: () => void) {
    this.#scope = scope;
    this.#outer = outer;
    this.#onEnd = onEnd;
    outer?.addEventListener("abort", this.#hearOuter);
  }

  get aborted(): boolean {
    return this.#order !== undefined || this.#outer?.aborted === true;
  }

  addEventListener(_: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  hear(order: KillOrder): void {
    if (this.#order !== undefined || !matches(order, this.#scope)) return;
    this.#order = order;
    this.#fire();
  }

  /** To be called when the run has ended. Returns the order that fired it, if one did. */
  end(): KillOrder | undefined {
    this.#outer?.removeEventListener("abort", this.#hearOuter);
    this.#listeners.clear();
    this.#onEnd();
    return this.#order;
  }

  #fire(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function matches({ target }: KillOrder, { tenant, signer }: KillScope): boolean {
  if (target.kind === "everything") return true;
  return target.target === (target.kind === "tenant" ? tenant : signer);
}

/** What the outcome of a run says that an order ended. */
export function killedFinding({ reason }: KillOrder): Finding {
  const hint = "`nightcore quarantine list` shows the block; `nightcore kill lift` ends it";
  return { code: "worker/killed", message: `the kill switch ended the run: ${quote(reason)}`, hint };
}
