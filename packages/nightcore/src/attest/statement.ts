import { type Bytes, fail, isJsonObject, type Json, type JsonObject, ok, parseJson, type Result, utf8 } from "#core";
import { ENVELOPE_BYTES_MAX } from "./limit.ts";

/** What a statement is about: a name and its digests, algorithm to lower-case hexadecimal. */
export type Subject = { readonly name: string; readonly digest: Readonly<Record<string, string>> };

/** An in-toto Statement v1: about these subjects, of this type, that. */
export type Statement = { readonly subject: readonly Subject[]; readonly predicateType: string; readonly predicate: JsonObject };

export type StatementFault = { readonly code: "attest/statement-malformed"; readonly what: string };

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

/** The bytes that become the payload of an envelope. Members keep the order in which the caller built them. */
export function encodeStatement(statement: Statement): Uint8Array {
  const { subject, predicateType, predicate } = statement;
  return utf8(JSON.stringify({ _type: STATEMENT_TYPE, subject, predicateType, predicate }));
}

/** Parses verified payload bytes (attestation spec/v1/statement.md). Unknown members are ignored; an empty `subject` is refused. */
export function parseStatement(bytes: Bytes): Result<Statement, StatementFault> {
  const malformed = (what: string) => fail({ code: "attest/statement-malformed", what } as const);
  const document = parseJson(bytes, ENVELOPE_BYTES_MAX);
  if (!document.ok) return malformed("it is not strict JSON");
  if (!isJsonObject(document.value)) return malformed("it is not an object");
  const { _type: type, subject, predicateType, predicate } = document.value;
  if (type !== STATEMENT_TYPE) return malformed(`\`_type\` is not ${STATEMENT_TYPE}`);
  if (!Array.isArray(subject) || subject.length === 0) return malformed("`subject` is not a list of one or more");
  const subjects: Subject[] = [];
  for (const item of subject as readonly Json[]) {
    const parsed = parseSubject(item);
    if (parsed === undefined) return malformed("a subject has no digest of lower-case hexadecimal");
    subjects.push(parsed);
  }
  if (typeof predicateType !== "string" || predicateType === "") return malformed("`predicateType` is not a text");
  if (!isJsonObject(predicate)) return malformed("`predicate` is not an object");
  return ok({ subject: subjects, predicateType, predicate });
}

function parseSubject(item: Json): Subject | undefined {
  if (!isJsonObject(item)) return undefined;
  const { name = "", digest } = item;
  if (typeof name !== "string" || !isJsonObject(digest)) return undefined;
  const digests = Object.entries(digest);
  const sound = digests.every(
    (pair): pair is [string, string] => typeof pair[1] === "string" && /^(?:[0-9a-f]{2})+$/.test(pair[1]),
  );
  return sound && digests.length > 0 ? { name, digest: Object.fromEntries(digests) } : undefined;
}
