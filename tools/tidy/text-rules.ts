import { type Finding, lineAt } from "./finding.ts";

// Written in pieces, so that this file does not break its own rules.
const FOLDERS = ["work", "root", ["tmp", "n26"].join("/")].join("|");
const HOST = ["regis", "try"].join("");
const MACHINE_PATHS = new RegExp(`(?<![\\w.\\-])/(?:${FOLDERS})(?:/|(?![-\\w.]))`);
const REGISTRY = new RegExp(`\\b(?:npm|${HOST})\\.[a-z0-9-]+\\.[a-z]{2,}|"resolved":\\s*"http|^\\s*${HOST}\\s*=`, "m");

/** U+202A to U+202E, U+2066 to U+2069 and the marks: what makes code read differently than it compiles (CVE-2021-42574). */
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
/** What is not seen at all, or is seen as a plain space. */
const INVISIBLE = /[\u00ad\u180e\u200b-\u200d\u2060\ufeff]|(?! )\p{Zs}/u;
/** Scripts with letters that look like ours (Cyrillic a, Greek o), and the styled copies of ours. Δ and µ are signs that we use. */
const LOOKALIKE =
  /(?![\u0394\u00b5\u03bc])[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Coptic}\p{Script=Lisu}\u2100-\u214f\uff21-\uff3a\uff41-\uff5a\u{1d400}-\u{1d7ff}]/u;

type TextRule = { readonly rule: string; readonly pattern: RegExp; readonly sourceOnly: boolean; readonly message: string };

const RULES: readonly TextRule[] = [
  { rule: "machine-path", pattern: MACHINE_PATHS, sourceOnly: false, message: "a path of one machine" },
  { rule: "registry-host", pattern: REGISTRY, sourceOnly: false, message: "the address of a package registry" },
  { rule: "bidi-control", pattern: BIDI, sourceOnly: false, message: "a bidirectional control; write it as an escape" },
  { rule: "invisible-character", pattern: INVISIBLE, sourceOnly: true, message: "an invisible character; write it as an escape" },
  { rule: "lookalike", pattern: LOOKALIKE, sourceOnly: true, message: "a letter of another script; write it as an escape" },
];

const SOURCE = /\.(?:ts|js|mjs|cjs|json|wat|sh|yml|yaml|toml|html|css)$|^\.ci\//;

/** Looks through the text of any tracked file, and of source with a finer comb; one finding per rule and line. */
export function readTextFindings(path: string, text: string): readonly Finding[] {
  const findings: Finding[] = [];
  for (const { rule, pattern, sourceOnly, message } of RULES) {
    if (sourceOnly && !SOURCE.test(path)) continue;
    const everywhere = new RegExp(pattern.source, `g${pattern.flags.replace("g", "")}`);
    const lines = new Map<number, string>();
    for (const match of text.matchAll(everywhere)) lines.set(lineAt(text, match.index), match[0]);
    for (const [line, found] of lines) findings.push({ rule, path, line, message: `${message}: ${JSON.stringify(found)}` });
  }
  return findings;
}
