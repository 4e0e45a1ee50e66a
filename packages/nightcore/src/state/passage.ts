import { isJsonObject, type Json, type JsonObject } from "#core";
import type { AdmissionEvent, DecisionEvent, Event, IntentEvent, PassageEvent, VerificationEvent } from "./events.ts";

const STEPS = ["admission", "verification", "decision", "intent"] as const;

/** The steps of a passage, all of one run at one time about one module. Without an intent, nothing is to run. */
export type Steps = {
  readonly admission: Event & AdmissionEvent;
  readonly verification: Event & VerificationEvent;
  readonly decision: Event & DecisionEvent;
  readonly intent?: (Event & IntentEvent) | undefined;
};

/** The steps of a passage as the one entry that they are recorded in: what they share is said once. */
export function joinSteps({ admission, verification, decision, intent }: Steps): Event & PassageEvent {
  const { run, tenant, at, digest } = admission;
  return {
    ...{ kind: "passage", run, tenant, at, digest },
    ...{ admission: stepOf(admission), verification: stepOf(verification), decision: stepOf(decision) },
    ...(intent === undefined ? {} : { intent: stepOf(intent) }),
  };
}

/** The events that an entry holds, in their order: the steps of a passage, or the one event that any other entry is. */
export function stepsOf(event: Event): readonly Event[] {
  if (event.kind !== "passage") return [event];
  return splitPassage(event).map(({ kind, predicate }) => ({ kind, ...predicate }) as unknown as Event);
}

/**
 * The steps of a passage's predicate, each with the predicate that it would have in an entry of its own. What is no object is
 * no step: the log's key vouches for who wrote it, not for sense.
 */
export function splitPassage(
  passage: JsonObject | PassageEvent,
): readonly { readonly kind: (typeof STEPS)[number]; readonly predicate: JsonObject }[] {
  const { run, tenant, at, digest, ...steps } = passage as JsonObject;
  const shared = Object.fromEntries(Object.entries({ run, tenant, at, digest }).filter(([, value]) => value !== undefined));
  return STEPS.flatMap((kind) => {
    const step: Json | undefined = steps[kind];
    return step !== undefined && isJsonObject(step) ? [{ kind, predicate: { ...step, ...(shared as JsonObject) } }] : [];
  });
}

function stepOf<E extends Steps["admission"] | Steps["verification"] | Steps["decision"] | NonNullable<Steps["intent"]>>(
  event: E,
): Omit<E, "kind" | "run" | "tenant" | "at" | "digest"> {
  const { kind: _kind, run: _run, tenant: _tenant, at: _at, digest: _digest, ...step } = event;
  return step;
}
