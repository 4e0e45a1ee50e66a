import { resolve } from "node:path";
import { quote, type SignEd25519 } from "#core";
import { explainEvidenceFault, isKeyName, type LogKey, makeWitnessKey } from "#ledger";
import { explainKeyFileFault, publicKeyOf, readPrivateKey, sha256, signerOf } from "#store/keys";
import { type Invocation, usageStop } from "./invocation.ts";
import { readPassphrase } from "./passphrase.ts";
import { shownAs, unwrap } from "./unwrap.ts";

/** The witness's own key: the file of `--key` under the name of `--name`. */
export function readWitnessKey(invocation: Invocation): { readonly key: LogKey; readonly sign: SignEd25519 } {
  const [file, name] = [invocation.text("key"), invocation.text("name")];
  if (file === undefined || name === undefined)
    throw usageStop(
      "`--key FILE` and `--name NAME` are needed",
      "a witness has a key of its own, and a name like example.com/witness",
    );
  if (!isKeyName(name))
    throw usageStop(`${quote(name)} cannot name a witness`, "use no spaces, no `+` and no control characters");
  const read = readPrivateKey(resolve(invocation.root, file), () => readPassphrase(invocation));
  const privateKey = unwrap(shownAs(file, read), explainKeyFileFault);
  const key = unwrap(makeWitnessKey(sha256, name, publicKeyOf(privateKey)), explainEvidenceFault);
  return { key, sign: signerOf(privateKey) };
}
