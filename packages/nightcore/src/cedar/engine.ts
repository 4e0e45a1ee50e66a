import type { Response } from "@cedar-policy/cedar-wasm/web";
import { type Digest, quote, type Sha256 } from "#core";
import type { CompiledPolicy, PolicyAnswer, PolicyEngine, Reason } from "#guardian";
import { type Cedar, CEDAR_COMPILER, loadCedar } from "./library.ts";
import { readMentioned } from "./mentioned.ts";
import { type Call, digestQuestion, encodeCall } from "./question.ts";

const RECENT_MAX = 1024; // LIMIT: answers kept, a few hundred bytes each

/** Policies that have been compiled, as the log names them: `name` is the digest of the version. */
export type PolicySet = { readonly name: string; readonly policies: readonly CompiledPolicy[] };

/** Answers that Cedar gave before. */
export type KnownAnswers = {
  readonly sha256: Sha256;
  /** The answer to the question of this digest. Undefined is no answer, and Cedar is asked. */
  readonly find: (question: Digest) => PolicyAnswer | undefined;
  /** Makes ready what will most likely be asked of this version next. False when nothing is expected to be known. */
  readonly expect: (version: string) => boolean;
};

/**
 * Policies in Cedar that can be asked. `open` is for when there is time before that: it makes ready what is known, where that will
 * most likely do, and loads Cedar otherwise. It says nothing of what is wrong: whoever asks is told.
 */
export type CedarEngine = PolicyEngine & { readonly open: () => void };

/**
 * The policies of one version, for judging. Cedar is loaded by `open`, or when there is no other answer; a set that Cedar refuses
 * throws whenever it is asked, and the caller denies. A judgement is a function of its question, so the answers to the newest
 * questions are kept: a warm tenant asks the same again. With `known`, those are looked at before Cedar is, and every answer
 * says what was asked; without, Cedar itself has answered.
 */
export function openCedarEngine(set: PolicySet, known?: KnownAnswers): CedarEngine {
  const mentioned = readMentioned(set.policies.map(({ text }) => text));
  const recent = new Map<string, PolicyAnswer>();
  let judgeCall: JudgeCall | undefined;
  return {
    name: CEDAR_COMPILER,
    judge(facts, request) {
      const call = encodeCall(facts, request, mentioned);
      const text = JSON.stringify(call);
      const kept = recent.get(text);
      if (kept !== undefined) return kept;
      const answer = known === undefined ? askCedar(call) : askFirst(known, call);
      if (recent.size >= RECENT_MAX) recent.clear();
      recent.set(text, answer);
      return answer;
    },
    open() {
      if (known?.expect(set.name) === true) return;
      try {
        judgeCall ??= prepareJudging(set);
      } catch {
        // Whoever is judged by it will be told.
      }
    },
  };

  function askFirst({ sha256, find }: KnownAnswers, call: Call): PolicyAnswer {
    const question = digestQuestion(sha256, set.name, call);
    return find(question) ?? { ...askCedar(call), asked: { question } };
  }

  function askCedar(call: Call): PolicyAnswer {
    judgeCall ??= prepareJudging(set);
    return judgeCall(call);
  }
}

type JudgeCall = (call: Call) => PolicyAnswer;

/** Loads Cedar and prepares the policies. Throws where Cedar refuses them. */
function prepareJudging({ name, policies }: PolicySet): JudgeCall {
  const cedar = loadCedar();
  // Cedar keeps prepared sets by name for ever, so that a set of the same name is the same set: the name is a digest.
  const whole = prepare(cedar, name, policies);
  const unheld = `${name}/unheld`;
  let unheldPrepared = false;
  const byId = new Map(policies.map((policy) => [policy.id, policy]));
  // V8 compiles what is called for the first time: now, while others wait for their processes, and not within a decision.
  ask(cedar, whole, FIRST_CALL);
  return (call) => {
    const { decision, diagnostics } = ask(cedar, whole, call);
    const errors = diagnostics.errors.map(({ policyId, error }) => failed(policyId, error.message));
    if (decision === "allow") return { permits: errors.length > 0 ? [] : diagnostics.reason.toSorted(), reasons: errors };
    const forbids = diagnostics.reason.toSorted().map((id) => forbidden(byId.get(id), id));
    const reasons = [...errors, ...forbids];
    if (reasons.length === 0 || reasons.some(({ verdict }) => verdict !== "hold")) return { permits: [], reasons };
    // Only people are waited for. Whether it would be permitted then is asked of the same policies without the holds.
    if (!unheldPrepared)
      prepare(
        cedar,
        unheld,
        policies.filter((policy) => policy.effect === "permit" || policy.verdict !== "hold"),
      );
    unheldPrepared = true;
    return withPermits(reasons, ask(cedar, unheld, call));
  };
}

const NOBODY = { type: "Key", id: "nobody" };
const FIRST_CALL: Call = {
  principal: NOBODY,
  action: { type: "Action", id: "prove" },
  resource: { type: "Module", id: "nothing" },
  context: {},
  entities: [{ uid: NOBODY, attrs: {}, parents: [] }],
};

function prepare(cedar: Cedar, name: string, policies: readonly CompiledPolicy[]): string {
  const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]));
  const prepared = cedar.preparsePolicySet(name, { staticPolicies, templates: {}, templateLinks: [] });
  if (prepared.type === "failure") throw new Error(prepared.errors.map(({ message }) => message).join("; "));
  return name;
}

function ask(cedar: Cedar, preparsedPolicySetId: string, call: Call): Response {
  // The request is of our making and the policies were checked against its schema; checking it again would cost as much as the answer.
  const answer = cedar.statefulIsAuthorized({
    ...call,
    entities: [...call.entities],
    preparsedPolicySetId,
    validateRequest: false,
  });
  if (answer.type === "failure") throw new Error(answer.errors.map(({ message }) => message).join("; "));
  return answer.response;
}

function withPermits(holds: readonly Reason[], { decision, diagnostics }: Response): PolicyAnswer {
  if (decision === "allow") return { permits: diagnostics.reason.toSorted(), reasons: holds };
  const message = "no policy would permit it either, if it were approved";
  return { permits: [], reasons: [...holds, { verdict: "deny", code: "guardian/no-permit", message }] };
}

// Cedar passes over a policy that fails, a forbid too. Here it is a deny.
function failed(policy: string, message: string): Reason {
  return { verdict: "deny", code: "guardian/policy-failed", policy, message: `policy ${quote(policy)} failed: ${message}` };
}

function forbidden(policy: CompiledPolicy | undefined, id: string): Reason {
  const message = policy?.reason ?? `policy ${quote(id)} forbids it`;
  const verdict = policy?.verdict ?? "deny";
  const hint = policy?.hint;
  return { verdict, code: "guardian/policy-forbids", policy: id, message, ...(hint === undefined ? {} : { hint }) };
}
