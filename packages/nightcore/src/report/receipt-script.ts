/**
 * The script of the receipt page: hands what is dropped to `nightcoreVerify` and shows each check. Everything foreign becomes a
 * text node; it neither stores nor sends anything.
 */
export const RECEIPT_SCRIPT = `"use strict";
(() => {
  const { inspectReceipt, nobleCrypto } = nightcoreVerify;
  const at = (id) => document.getElementById(id);
  const make = (name, text, className) => {
    const element = document.createElement(name);
    element.textContent = text;
    if (className !== undefined) element.className = className;
    return element;
  };
  const WORDS = { ok: "ok", failed: "FAILED", absent: "not there", skipped: "not checked" };
  const MARKS = { ok: "ok", failed: "denied", absent: "absent", skipped: "skipped" };
  let bytes;
  let fileName = "";
  const lines = (id) => at(id).value.split("\\n").map((line) => line.trim()).filter((line) => line !== "");
  const show = () => {
    if (bytes === undefined) return;
    const logKey = lines("log-key").join("\\n");
    const witnesses = at("witness-keys").value;
    const trust = /^\\s*quorum\\s/m.test(witnesses) ? { logKey, policy: witnesses } : { logKey, witnessKeys: lines("witness-keys") };
    const { verified, run, checks, entries } = inspectReceipt(bytes, trust, nobleCrypto);
    const open = checks.filter((check) => check.outcome === "absent").length;
    const verdict = verified
      ? "Verified" + (open > 0 ? ", with " + open + " things that the receipt does not show" : "")
      : "NOT verified";
    const table = make("table", "", "checks");
    table.append(make("caption", "Each check of " + (fileName || "the receipt")));
    const body = table.createTBody();
    for (const { name, outcome, why } of checks) {
      const row = body.insertRow();
      row.dataset.check = name;
      row.dataset.outcome = outcome;
      row.insertCell().append(make("span", WORDS[outcome], "badge " + MARKS[outcome]));
      row.insertCell().append(name);
      row.insertCell().append(make("span", why, "foreign"));
    }
    const panel = make("div", "", "panel");
    panel.append(table);
    const parts = [make("p", verdict, "verdict " + (verified ? "ok" : "failed")), panel];
    if (run !== undefined) parts.push(make("h2", "What the log's key has signed about run " + run));
    for (const { index, predicateType, predicate } of entries) {
      const details = make("details", "");
      details.append(make("summary", "entry " + index + ": " + predicateType), make("pre", JSON.stringify(predicate, null, 2), "output foreign"));
      parts.push(details);
    }
    at("result").replaceChildren(...parts);
  };
  const take = async (file) => {
    if (file === undefined || file === null) return;
    fileName = file.name;
    bytes = new Uint8Array(await file.arrayBuffer());
    show();
  };
  const drop = at("drop");
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
    });
  }
  document.addEventListener("drop", (event) => void take(event.dataTransfer.files[0]));
  at("file").addEventListener("change", (event) => void take(event.target.files[0]));
  for (const id of ["log-key", "witness-keys"]) at(id).addEventListener("input", show);
})();
`;
