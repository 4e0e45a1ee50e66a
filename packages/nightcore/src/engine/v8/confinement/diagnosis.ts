import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Why a wrapper does not start what it is given, and what to do about it. */
export type Diagnosis = { readonly detail: string; readonly remedy: string };

const START_MS_MAX = 10_000; // LIMIT: a wrapper that works takes milliseconds
const LINE_MAX = 160; // LIMIT: of what a program that failed says about itself

/** Settings of distributions that keep bubblewrap from making a user namespace, and the value that does. */
const SETTINGS = [
  ["kernel/unprivileged_userns_clone", "0", "set the sysctl kernel.unprivileged_userns_clone to 1"],
  ["user/max_user_namespaces", "0", "set the sysctl user.max_user_namespaces above 0"],
  [
    "kernel/apparmor_restrict_unprivileged_userns",
    "1",
    "give /usr/bin/bwrap an AppArmor profile with `userns,` (Ubuntu's package apparmor-profiles has one)",
  ],
] as const;

/** Starts a wrapper once more, to hear what it says. For a person who asks; a run does not wait for it. */
export function diagnoseWrapper(command: string, args: readonly string[]): Diagnosis {
  const { error, status, stderr } = spawnSync(command, args, { env: {}, encoding: "utf8", timeout: START_MS_MAX });
  const said = stderr?.trim().split("\n").at(-1) ?? "";
  const ended = error === undefined ? `exit code ${status ?? "unknown"}` : error.message;
  const setting = SETTINGS.find(([name, value]) => readSetting(name) === value);
  return {
    detail: `${command} is installed and does not start: ${(said === "" ? ended : said).slice(0, LINE_MAX)}`,
    remedy: setting?.[2] ?? "in a container: allow user namespaces to it, or run it with a seccomp profile that does",
  };
}

function readSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, "utf8").trim();
  } catch {
    return undefined; // this kernel does not have it
  }
}
