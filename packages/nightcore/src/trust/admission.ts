import { type Crypto, fail, ok, type Result } from "#core";
import { type ModuleShape, parseModule, type WasmFault } from "#wasm";
import type { DigestedBytes, SignatureFault, SignatureStanding } from "./evidence.ts";
import { examineSignature, type SignatureQuestion } from "./signature.ts";
import type { TrustStore } from "./trust-store.ts";

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

/** Parses the bytes, strictly and bounded. What is refused is named: not wasm, truncated, over a limit, not meterable. */
export function admitModule(module: DigestedBytes, bytesMax: number): Result<AdmittedModule, WasmFault> {
  const shape = parseModule(module.bytes, { bytesMax });
  return shape.ok ? ok(new AdmittedModule(seal, module, shape.value)) : fail(shape.fault);
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

/** Establishes that the host trusts the signer of these very bytes for this tenant at this moment. */
export function verifyModule(
  admitted: AdmittedModule,
  question: Omit<SignatureQuestion, "module">,
  { store, crypto }: { readonly store: TrustStore; readonly crypto: Crypto },
): Result<VerifiedModule, SignatureFault> {
  const standing = examineSignature({ ...question, module: admitted.module }, store, crypto);
  if (!standing.trusted) return fail(standing.fault);
  return ok(new VerifiedModule(seal, admitted, standing, question.tenant));
}
