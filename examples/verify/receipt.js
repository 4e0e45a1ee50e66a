// node examples/verify/receipt.js RECEIPT VKEY
import { readFileSync } from "node:fs";
import { inspectReceipt, nobleCrypto } from "nightcore/verify";

const [file, logKey] = process.argv.slice(2);
const { verified, checks } = inspectReceipt(readFileSync(file), { logKey }, nobleCrypto);
for (const { name, outcome, why } of checks) console.log(`${outcome}: ${name}${why === "" ? "" : `: ${why}`}`);
process.exitCode = verified ? 0 : 4;
