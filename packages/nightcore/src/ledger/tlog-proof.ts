import { type Bytes, encodeBase64, fail, ok, parseBase64, type Result } from "#core";
import { HASH_BYTES, PROOF_HASHES_MAX } from "./merkle-tree.ts";

/** An offline inclusion proof (tlog-proof): the path of one entry and the signed checkpoint it leads to, as text. */
export type TlogProof = {
  readonly index: number;
  readonly path: readonly Bytes[];
  /** The signed note, verbatim. Not parsed here. */
  readonly checkpoint: string;
  /** Unauthenticated bytes for the application; we write none. */
  readonly extra?: Bytes;
};

export type TlogProofFault = { readonly code: "ledger/proof-malformed"; readonly what: string };

const HEADER = "c2sp.org/tlog-proof@v1";
const PROOF_CHARACTERS_MAX = 200_000; // LIMIT: a note of 128 Ki characters, 63 hashes and 64 KiB of extra data

/** The proof as tlog-proof writes it: header, extra data if any, index, hashes, a blank line, the checkpoint verbatim. */
export function encodeTlogProof(proof: TlogProof): string {
  const extra = proof.extra === undefined ? [] : [`extra ${encodeBase64(proof.extra)}`];
  const lines = [HEADER, ...extra, `index ${proof.index}`, ...proof.path.map(encodeBase64), ""];
  return `${lines.join("\n")}\n${proof.checkpoint}`;
}

/** Reads a tlog-proof. Only the canonical spelling is accepted; the checkpoint's own form is its parser's matter. */
export function parseTlogProof(text: string): Result<TlogProof, TlogProofFault> {
  const malformed = (what: string) => fail({ code: "ledger/proof-malformed", what } as const);
  if (text.length > PROOF_CHARACTERS_MAX) return malformed("it is too long");
  const blank = text.indexOf("\n\n");
  if (blank < 0) return malformed("no blank line separates the checkpoint");
  const [header, ...lines] = text.slice(0, blank).split("\n");
  if (header !== HEADER) return malformed(`it does not begin with ${HEADER}`);
  const extra = lines[0]?.startsWith("extra ") === true ? parseBase64(lines.shift()?.slice(6) ?? "") : undefined;
  if (extra !== undefined && !extra.ok) return malformed("the extra data is not padded base64");
  const [, index] = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? "") ?? [];
  if (index === undefined || !Number.isSafeInteger(Number(index)))
    return malformed("the index is not a decimal number below 2^53");
  if (lines.length > PROOF_HASHES_MAX) return malformed("it has more than 63 hashes");
  const path: Bytes[] = [];
  for (const line of lines) {
    const hash = parseBase64(line);
    if (!hash.ok || hash.value.length !== HASH_BYTES) return malformed("a line is not the base64 of 32 bytes");
    path.push(hash.value);
  }
  const proof = { index: Number(index), path, checkpoint: text.slice(blank + 2) };
  const whole = extra === undefined ? proof : { ...proof, extra: extra.value };
  return encodeTlogProof(whole) === text ? ok(whole) : malformed("it is not canonical");
}
