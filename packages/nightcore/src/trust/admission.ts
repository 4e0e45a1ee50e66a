import { assert, type Digest, fail, ok, type Result } from "#core";
import { type ModuleShape, parseModule, type WasmFault } from "#wasm";
import type { DigestedBytes, SignatureFault, SignatureStanding } from "./evidence.ts";
import { judgeProof, type SignatureProof } from "./signature.ts";

const seal = Symbol("trust");

/** Bytes that are a WebAssembly module which the engine can meter, with their shape. Only {@link admitModule} makes one. */
export class AdmittedModule {
  readonly module: DigestedBytes;
  readonly shape: ModuleShape;

  constructor(key: typeof seal, module: DigestedBytes, shape: ModuleShape) {
    if (key !== seal) throw new Error("bug: an admitted module is made by admitModule only");
    this.module = module;
    this.shape = shape;
  }
}

const SHAPES_MAX = 100; // LIMIT: shapes that are kept; one names at most all imports and exports of its module

/** Shapes of modules that were admitted under one limit. A shape follows from the bytes, and the digest was taken of these bytes. */
export class RecentShapes {
  readonly #known = new Map<Digest, ModuleShape>();

  get(digest: Digest): ModuleShape | undefined {
    return this.#known.get(digest);
  }

  keep(digest: Digest, shape: ModuleShape): void {
    if (this.#known.size >= SHAPES_MAX) this.#known.clear();
    this.#known.set(digest, shape);
  }
}

/**
 * Parses the bytes, strictly and bounded. What is refused is named: not wasm, truncated, over a limit, not meterable. What was
 * admitted is not parsed again where its shape is among those that are `recent`.
 */
export function admitModule(module: DigestedBytes, bytesMax: number, recent?: RecentShapes): Result<AdmittedModule, WasmFault> {
  const known = recent?.get(module.digest);
  if (known !== undefined) return ok(new AdmittedModule(seal, module, known));
  const shape = parseModule(module.bytes, { bytesMax });
  if (!shape.ok) return fail(shape.fault);
  recent?.keep(module.digest, shape.value);
  return ok(new AdmittedModule(seal, module, shape.value));
}

/** A standing that lets a module pass. */
export type TrustedStanding = Extract<SignatureStanding, { trusted: true }>;

/** An admitted module whose signer the host trusts for the tenant. Only {@link verifyModule} makes one. */
export class VerifiedModule {
  readonly admitted: AdmittedModule;
  readonly standing: TrustedStanding;
  readonly tenant: string;

  constructor(key: typeof seal, admitted: AdmittedModule, standing: TrustedStanding, tenant: string) {
    if (key !== seal) throw new Error("bug: a verified module is made by verifyModule only");
    this.admitted = admitted;
    this.standing = standing;
    this.tenant = tenant;
  }
}

/** Establishes that the host trusts the signer of these very bytes, for the tenant of the proof, at this moment. */
export function verifyModule(
  admitted: AdmittedModule,
  proof: SignatureProof,
  nowMs: number,
): Result<VerifiedModule, SignatureFault> {
  assert(proof.module === admitted.module, "a proof is about the bytes that were admitted");
  const standing = judgeProof(proof, nowMs);
  if (!standing.trusted) return fail(standing.fault);
  return ok(new VerifiedModule(seal, admitted, standing, proof.tenant));
}
