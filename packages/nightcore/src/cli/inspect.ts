import { escapeControls, quote } from "#core";
import { explainSourceFault } from "#ports";
import { openModuleFolder } from "#store/modules";
import { admitModule, digestBytes, explainAdmissionFault, explainTrustFault, parseManifest } from "#trust";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { locate, MODULE_BYTES_MAX } from "./request.ts";
import { crypto } from "./session.ts";
import { unwrap } from "./unwrap.ts";

/** Shows what a manifest asks for and what the module's own bytes say. Runs nothing and records nothing. */
export async function run(invocation: Invocation): Promise<number> {
  const { root, terminal, json, positionals } = invocation;
  const path = invocation.text("dir") ?? positionals[0];
  if (path === undefined) throw usageStop("a module folder is needed", "for example `nightcore inspect --dir modules/hello`");
  const source = unwrap(openModuleFolder(root, locate(root, path), MODULE_BYTES_MAX), explainSourceFault);
  const files = source.read();
  const manifest = files.manifest === undefined ? undefined : parseManifest(files.manifest);
  const module = files.wasm.ok ? digestBytes(files.wasm.value, crypto) : undefined;
  const admitted = module === undefined ? undefined : admitModule(module, MODULE_BYTES_MAX);
  const problems = [
    ...(files.wasm.ok ? [] : [explainSourceFault(files.wasm.fault).message]),
    ...(admitted === undefined || admitted.ok ? [] : [explainAdmissionFault(admitted.fault).message]),
    ...(manifest === undefined ? ["there is no manifest.json"] : manifest.ok ? [] : [explainTrustFault(manifest.fault).message]),
  ];
  const shape = admitted?.ok === true ? admitted.value.shape : undefined;
  const facts = {
    tenant: source.tenant,
    path: source.path,
    digest: module?.digest ?? null,
    sizeBytes: module?.bytes.length ?? null,
    manifest: manifest?.ok === true ? manifest.value : null,
    imports: shape?.imports.map((item) => `${item.module}.${item.name}`) ?? [],
    exports: shape?.exports.map((item) => `${item.name} (${item.kind})`) ?? [],
    memories: shape?.memories ?? [],
    features: shape?.features ?? [],
    signedAs: { "module.sig": files.signature !== undefined, "module.dsse.json": files.envelope !== undefined },
    problems,
  };
  if (json) {
    terminal.print(JSON.stringify(facts));
    return EXIT.ok;
  }
  terminal.print(`tenant    ${escapeControls(facts.tenant)}  (${escapeControls(facts.path)})`);
  terminal.print(`module    ${facts.digest ?? "none"}  ${facts.sizeBytes ?? 0} bytes`);
  if (facts.manifest !== null) {
    const { form, capabilities, budgets, entry, source: origin } = facts.manifest;
    terminal.print(
      `manifest  form ${form}, asks for ${capabilities.join(", ") || "nothing"}, ${JSON.stringify(budgets)}, entry ${quote(entry ?? "_start")}, source ${origin}`,
    );
    if (facts.manifest.claimsApproval) terminal.print("          claims to be approved, which counts for nothing");
  }
  const list = (items: readonly string[]) => items.map((item) => escapeControls(item)).join(", ") || "none";
  terminal.print(`imports   ${list(facts.imports)}`);
  terminal.print(`exports   ${list(facts.exports)}`);
  terminal.print(
    `memory    ${facts.memories.map(({ pagesMin, pagesMax }) => `${pagesMin} to ${pagesMax ?? "any number of"} pages`).join(", ") || "none"}`,
  );
  terminal.print(`features  ${list(facts.features)}`);
  for (const problem of problems) terminal.say(`${terminal.paint("yellow", "problem")}: ${problem}`);
  return EXIT.ok;
}
