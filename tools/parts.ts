import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** A program that some tests need and that npm does not bring: how to see it, and Debian's packages that have it. */
type Part = { readonly name: string; readonly for: string; readonly packages: readonly string[]; readonly isHere: () => boolean };

const CHROMIUM_PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The path of a Chromium on this machine, or undefined. `NIGHTCORE_CHROMIUM` names another one. */
export function findChromium(): string | undefined {
  const places = [process.env["NIGHTCORE_CHROMIUM"], ...CHROMIUM_PLACES];
  return places.find((place) => place !== undefined && existsSync(place));
}

const PARTS: readonly Part[] = [
  { name: "chromium", for: "the journeys through the pages", packages: ["chromium"], isHere: () => findChromium() !== undefined },
  {
    name: "bubblewrap",
    for: "the tests of the strongest confinement",
    packages: ["bubblewrap"],
    isHere: () => existsSync("/usr/bin/bwrap") || process.platform !== "linux",
  },
  {
    name: "go",
    for: "the second implementation that reads our logs",
    packages: ["golang-go", "golang-golang-x-mod-dev"],
    isHere: () => existsSync("/usr/bin/go") && existsSync("/usr/share/gocode/src/golang.org/x/mod"),
  },
  {
    name: "rsyslog",
    for: "the journeys to a syslog server over TLS",
    packages: ["rsyslog", "rsyslog-gnutls", "openssl"],
    isHere: () => existsSync("/usr/sbin/rsyslogd") && existsSync("/usr/bin/openssl"),
  },
];

/**
 * Makes sure that the tests have their parts: installs Debian's packages when this process may, and otherwise says what is
 * missing and how to get it. Tests without their part skip, and say so; CI lets none skip.
 */
export function prepareParts(say: (line: string) => void): void {
  const missing = PARTS.filter((part) => !part.isHere());
  if (missing.length === 0) return;
  const packages = missing.flatMap((part) => part.packages);
  const mayInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (!mayInstall) {
    for (const part of missing) say(`${part.name} is missing, so ${part.for} are skipped`);
    say(`hint: \`sudo apt-get install ${packages.join(" ")}\``);
    return;
  }
  say(`installing ${packages.join(" ")} with apt-get, for ${missing.map((part) => part.for).join(" and ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", ...packages],
  ]) {
    const { status, stderr, stdout } = spawnSync("apt-get", args, { env, encoding: "utf8" });
    if (status !== 0) say(`apt-get ${args[0] ?? ""} failed: ${(stderr || stdout).trim()}`);
  }
}
