import { type Bytes, type Digest, digestOf, ok, type Result, type Sha256, utf8 } from "#core";
import type { BodyShape } from "./definition.ts";
import type { WasmFault } from "./fault.ts";
import type { InstructionReader } from "./instruction.ts";
import { parseModule, walkModule } from "./module.ts";
import { OP } from "./opcode.ts";
import type { ModuleShape } from "./shape.ts";
import type { FunctionType } from "./value-type.ts";

/** One function of a module's own, and a digest of what it does. */
export type FunctionDigest = {
  /** Its place among the functions that the module defines; imports do not count. */
  readonly index: number;
  readonly digest: Digest;
  readonly exportedAs: readonly string[];
};

const REF_FUNC = 0xd2;

/**
 * Digests of all function bodies, for people who compare two modules. What a body calls is named by what it is (an import by its
 * name, an own function by its place, a type by its signature), so that an import or a type more does not change every body. A
 * compiler that moves functions about makes more of them look changed, and never fewer: equal digests mean equal code.
 */
export function digestFunctions(bytes: Bytes, sha256: Sha256): Result<readonly FunctionDigest[], WasmFault> {
  const parsed = parseModule(bytes);
  if (!parsed.ok) return parsed;
  const shape = parsed.value;
  const imported = shape.imports.filter(({ kind }) => kind === "function").map((one) => JSON.stringify([one.module, one.name]));
  const names = exportNames(shape);
  const found: FunctionDigest[] = [];
  const walked = walkModule(bytes, (reader, body) => {
    const index = body.functionIndex - body.importedFunctionCount;
    const digest = digestOf(sha256, encodeBody(reader, body, imported));
    found.push({ index, digest, exportedAs: names.get(body.functionIndex) ?? [] });
  });
  return walked.ok ? ok(found) : walked;
}

function exportNames({ exports }: ModuleShape): ReadonlyMap<number, readonly string[]> {
  const names = new Map<number, string[]>();
  for (const { kind, index, name } of exports) {
    if (kind !== "function") continue;
    const known = names.get(index);
    if (known === undefined) names.set(index, [name]);
    else known.push(name);
  }
  return names;
}

/** A body in which nothing stands for another thing than it says: pieces of code, and names in place of indexes, each framed. */
function encodeBody(reader: InstructionReader, body: BodyShape, imported: readonly string[]): Uint8Array {
  const frames = new Frames();
  frames.name(signatureOf(body.type));
  frames.raw(reader.bytes, body.localGroupsOffset, body.codeOffset);
  let from = body.codeOffset;
  while (reader.depth > 0) {
    reader.next();
    const name = nameOf(reader, imported);
    if (name === undefined) continue;
    frames.raw(reader.bytes, from, reader.start);
    frames.name(`${reader.op} ${name}`);
    from = afterIndex(reader);
  }
  frames.raw(reader.bytes, from, body.endOffset);
  return frames.finish();
}

/** What the index of an instruction stands for, where it is one that moves when something is added in front of it. */
function nameOf(reader: InstructionReader, imported: readonly string[]): string | undefined {
  const { op, index } = reader;
  if (op === OP.call || op === OP.returnCall || op === REF_FUNC) return imported[index] ?? `own ${index - imported.length}`;
  if (op === OP.callIndirect || op === OP.returnCallIndirect) return signatureOf(reader.types[index]);
  const opens = op === OP.block || op === OP.loop || op === OP.if || op === OP.try || op === OP.tryTable;
  return opens && reader.blockType >= 0 ? signatureOf(reader.types[reader.blockType]) : undefined;
}

/** The offset after the opcode and the index that follows it: a LEB128, whose last byte has no high bit. */
function afterIndex({ bytes, start }: InstructionReader): number {
  let at = start + 1;
  while (((bytes[at] ?? 0) & 0x80) !== 0) at++;
  return at + 1;
}

function signatureOf(type: FunctionType | undefined): string {
  return type === undefined ? "?" : `(${type.params.join(" ")})(${type.results.join(" ")})`;
}

/** Pieces one after the other, each with its kind and length in front, so that no two sequences of pieces are alike. */
class Frames {
  #bytes: Uint8Array = new Uint8Array(256);
  #length = 0;

  raw(bytes: Bytes, from: number, to: number): void {
    if (to > from) this.#add(0, bytes.subarray(from, to));
  }

  name(text: string): void {
    this.#add(1, utf8(text));
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #add(kind: number, piece: Bytes): void {
    const needed = this.#length + 5 + piece.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.finish());
      this.#bytes = grown;
    }
    const length = piece.length;
    this.#bytes.set([kind, length & 0xff, (length >>> 8) & 0xff, (length >>> 16) & 0xff, (length >>> 24) & 0xff], this.#length);
    this.#bytes.set(piece, this.#length + 5);
    this.#length = needed;
  }
}
