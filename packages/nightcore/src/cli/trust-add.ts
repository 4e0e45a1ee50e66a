import { basename, resolve } from "node:path";
import { encodeTime, escapeControls, keyIdOf, parseTenantName, quote } from "#core";
import { explainKeyFileFault, readPublicKey, sha256 } from "#store/keys";
import { EVERY_TENANT, type Grant, isSamePerson, parseRole, personOf, ROLES, shortKey } from "#trust";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { changeTrust, openSession } from "./session.ts";
import { readTimeOption } from "./time-option.ts";
import { shownAs, unwrap } from "./unwrap.ts";

/** Records trust in a key: for named tenants, in one role, from when to when. */
export async function run(invocation: Invocation): Promise<number> {
  const { root, terminal, json, positionals } = invocation;
  const file = positionals[0];
  if (file === undefined) throw usageStop("a public key file is needed", "see `nightcore help trust add`");
  const scope = readScope(invocation);
  const publicKey = unwrap(shownAs(file, readPublicKey(resolve(root, file))), explainKeyFileFault);
  const keyId = keyIdOf(sha256, publicKey);
  const grant: Grant = { keyId, ...scope, addedAt: encodeTime(Date.now()) };
  const name = invocation.text("name") ?? basename(file).replace(/\.(pub|b64|pem)$/, "");
  const asked = readPerson(invocation);
  let person: string;

  const session = await openSession(invocation, { thread: false });
  try {
    const revoked = session.store.revocationOf(keyId);
    if (revoked !== undefined) {
      const message = `the key ${shortKey(keyId)} was revoked at ${revoked.revokedAt}: ${quote(revoked.reason)}`;
      throw new CommandStop({
        code: "trust/key-revoked",
        message,
        hint: "a revocation is final; make a new key",
        exit: EXIT.usage,
      });
    }
    const key = session.store.keyOf(keyId) ?? { keyId, publicKey, name, person: asked };
    person = personOf(key);
    if (asked !== undefined && !isSamePerson(asked, person)) {
      const hint = "who holds a key does not change; revoke it, and make a new one for the other person";
      throw usageStop(`the key ${shortKey(keyId)} is ${quote(person)}'s here, not ${quote(asked)}'s`, hint);
    }
    await changeTrust(session, session.store.withGrant(key, grant), {
      change: "key-trusted",
      record: { ...grant, name: key.name, person },
    });
  } finally {
    await session.finish();
  }
  if (json) terminal.print(JSON.stringify({ ...grant, name, person }));
  terminal.say(
    `${shortKey(keyId)} (${escapeControls(name)}, held by ${escapeControls(person)}) is trusted as ${grant.role} for ${grant.tenants.join(", ")}; recorded in the log`,
  );
  return EXIT.ok;
}

function readPerson(invocation: Invocation): string | undefined {
  const person = invocation.text("person");
  if (person !== undefined && (person.trim() === "" || person.length > 200)) throw usageStop("`--person` is not a name");
  return person;
}

function readScope(invocation: Invocation): Pick<Grant, "role" | "tenants" | "from" | "to"> {
  const named = invocation.texts("tenant");
  // `--tenant a b` reads as it is meant: what follows the key and the options are more tenants.
  const tenants = named.length > 0 ? [...named, ...invocation.positionals.slice(1)] : [];
  if (tenants.length === 0)
    throw usageStop("`--tenant T` is missing", "trust is explicit: name the tenants, or `--tenant '*'` for all");
  for (const tenant of tenants) {
    if (tenant !== EVERY_TENANT && !parseTenantName(tenant).ok) throw usageStop(`${quote(tenant)} cannot name a tenant`);
  }
  const asked = invocation.text("role") ?? "signer";
  const role = parseRole(asked);
  if (role === undefined)
    throw usageStop(
      `there is no role ${quote(asked)}`,
      `one of ${ROLES.join(", ")}, or a role of your own like approver:security`,
    );
  const from = readTimeOption(invocation, "from");
  const to = readTimeOption(invocation, "to");
  if (from !== undefined && to !== undefined && from >= to) throw usageStop("`--from` is not before `--to`");
  return { role, tenants, from, to };
}
