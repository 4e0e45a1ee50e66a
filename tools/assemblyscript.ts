import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** What is used of `assemblyscript/asc`. */
type Compiler = {
  main(
    argv: readonly string[],
    host: {
      readFile(name: string, baseDir: string): string | null;
      writeFile(name: string, contents: string | Uint8Array): void;
      listFiles(): readonly string[];
      readonly stdout: { write(text: string): void };
      readonly stderr: { write(text: string): void };
    },
  ): Promise<{ readonly error: Error | null }>;
};

/**
 * Compiles an AssemblyScript file and what it imports, without the file system as its own program would use it. Our sources
 * are called `.as`, because to every other tool they would be broken TypeScript. Throws when it does not compile.
 */
export async function compileAssemblyScript(file: string, flags: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  // Not a literal, because the compiler's own types redeclare the globals of every file that can see them.
  const specifier: string = "assemblyscript/asc";
  const compiler = (await import(specifier)) as Compiler;
  let binary: Uint8Array | undefined;
  const errors: string[] = [];
  const folder = dirname(file);
  // The stub runtime never frees: a guest lives for one run.
  const common = ["--baseDir", folder, "-o", "out.wasm", "--runtime", "stub", "--use", "abort="];
  const { error } = await compiler.main([basename(file).replace(/\.as$/, ".ts"), ...common, ...flags], {
    readFile: (name, baseDir) => readText(join(baseDir, name.replace(/\.ts$/, ".as"))),
    writeFile: (name, contents) => {
      if (name === "out.wasm" && typeof contents !== "string") binary = contents;
    },
    listFiles: () => [],
    stdout: { write: () => undefined },
    stderr: { write: (text) => void errors.push(text) },
  });
  if (error !== null || binary === undefined) throw new Error(`${file} does not compile: ${errors.join("")}`);
  return new Uint8Array(binary);
}

function readText(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}
