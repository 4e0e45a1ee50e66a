import { join, relative, resolve } from "node:path";
import { encodeStatement, makeEntrySigner, sealEnvelope } from "#attest";
import { encodeBase64, keyIdOf, quote } from "#core";
import { explainSourceFault } from "#ports";
import { explainKeyFileFault, publicKeyOf, readPrivateKey, sha256, signerOf } from "#store/keys";
import { openModuleFolder } from "#store/modules";
import { replaceFile } from "#store/workspace";
import { admitModule, digestBytes, explainAdmissionFault, explainTrustFault, MODULE_STATEMENT_TYPE, parseManifest } from "#trust";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readPassphrase } from "./passphrase.ts";
import { MODULE_BYTES_MAX } from "./request.ts";
import { crypto } from "./session.ts";
import { shownAs, unwrap } from "./unwrap.ts";

/**
 * Signs a module: v39's `module.sig`, `pubkey.b64` and `module.sha256`, and `module.dsse.json`, which covers the manifest
 * and the tenant too. What would be refused at admission is not signed.
 */
export async function run(invocation: Invocation): Promise<number> {
  const { root, terminal, json } = invocation;
  const dir = invocation.text("dir");
  const keyFile = invocation.text("key");
  if (dir === undefined || keyFile === undefined)
    throw usageStop("`--dir DIR` and `--key FILE` are needed", "see `nightcore help sign`");
  const key = unwrap(
    shownAs(
      keyFile,
      readPrivateKey(resolve(root, keyFile), () => readPassphrase(invocation)),
    ),
    explainKeyFileFault,
  );
  const source = unwrap(openModuleFolder(root, dir, MODULE_BYTES_MAX), explainSourceFault);
  const files = source.read();
  const module = digestBytes(unwrap(files.wasm, explainSourceFault), crypto);
  const admitted = admitModule(module, MODULE_BYTES_MAX);
  if (!admitted.ok) throw refusal(admitted.fault.code, explainAdmissionFault(admitted.fault).message);
  const manifest = files.manifest === undefined ? undefined : digestBytes(files.manifest, crypto);
  if (files.manifest !== undefined) {
    const parsed = parseManifest(files.manifest);
    if (!parsed.ok) throw refusal(parsed.fault.code, explainTrustFault(parsed.fault).message);
    if (parsed.value.tenant !== undefined && parsed.value.tenant !== source.tenant) {
      throw refusal("trust/manifest-other-tenant", `the manifest is for tenant ${quote(parsed.value.tenant)}`);
    }
  }

  const publicKey = publicKeyOf(key);
  const sign = signerOf(key);
  const subject = [
    { name: "module.wasm", digest: { sha256: module.digest } },
    ...(manifest === undefined ? [] : [{ name: "manifest.json", digest: { sha256: manifest.digest } }]),
  ];
  const statement = encodeStatement({ subject, predicateType: MODULE_STATEMENT_TYPE, predicate: { tenant: source.tenant } });
  const envelope = sealEnvelope(statement, makeEntrySigner(sha256, publicKey, sign));
  if (!envelope.ok) throw refusal(envelope.fault.code, "the statement is too large to sign");
  const folder = join(root, source.path);
  const written = {
    "module.sig": `${encodeBase64(sign(module.bytes))}\n`,
    "pubkey.b64": `${encodeBase64(publicKey)}\n`,
    "module.sha256": `${module.digest}\n`,
    "module.dsse.json": envelope.value,
  };
  for (const [name, content] of Object.entries(written)) replaceFile(join(folder, name), content);
  const paths = Object.keys(written).map((name) => relative(root, join(folder, name)));
  if (json)
    terminal.print(
      JSON.stringify({
        tenant: source.tenant,
        digest: module.digest,
        keyId: keyIdOf(sha256, publicKey),
        manifestSigned: manifest !== undefined,
        files: paths,
      }),
    );
  for (const path of paths) terminal.say(path);
  if (manifest === undefined)
    terminal.say(`${terminal.paint("yellow", "note")}: there is no manifest.json, and the default policy requires one`);
  return EXIT.ok;
}

function refusal(code: string, message: string): CommandStop {
  return new CommandStop({ code, message: `not signed: ${message}`, exit: EXIT.verificationFailed });
}
