/** A signal that fires when a person or the system asks the command to end; a second asking ends the process at once. */
export function cancelOnSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
