import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The path of a Chromium on this machine, or undefined. `NIGHTCORE_CHROMIUM` names another one. */
export function findChromium(): string | undefined {
  const places = [process.env["NIGHTCORE_CHROMIUM"], ...PLACES];
  return places.find((place) => place !== undefined && existsSync(place));
}

/**
 * Makes sure that the journeys have a browser: installs Debian's chromium when this process may, and otherwise says what is
 * missing and how to get it. Returns whether there is one now.
 */
export function prepareChromium(say: (line: string) => void): boolean {
  if (findChromium() !== undefined) return true;
  const mayInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (!mayInstall) {
    say("chromium is missing, so the journeys through the pages are skipped");
    say("hint: `sudo apt-get install chromium`, or name one in NIGHTCORE_CHROMIUM");
    return false;
  }
  say("installing chromium with apt-get, for the journeys through the pages");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", "chromium"],
  ]) {
    const { status, stderr, stdout } = spawnSync("apt-get", args, { env, encoding: "utf8" });
    if (status === 0) continue;
    say(`apt-get ${args[0] ?? ""} failed, so the journeys through the pages are skipped: ${(stderr || stdout).trim()}`);
    return false;
  }
  return findChromium() !== undefined;
}
