// Conventional Commits, as CONTRIBUTING.md tells them: a subject becomes a line of the changelog.
const TYPES = ["feat", "fix", "perf", "refactor", "docs", "test", "build", "ci", "chore"];

// The stock rule on case lets "Keep JSON" pass (it is not sentence case because of JSON) and a
// rule of all lower case would refuse "keep JSON". Only the first letter is ours to judge.
function subjectBeginsLower({ subject }) {
  const begins = (subject ?? "").slice(0, 1);
  return [begins === begins.toLowerCase(), "subject must begin in lower case"];
}

export default {
  extends: ["@commitlint/config-conventional"],
  plugins: [{ rules: { "subject-begins-lower": subjectBeginsLower } }],
  rules: {
    "type-enum": [2, "always", TYPES],
    "scope-case": [2, "always", ["lower-case", "snake-case", "kebab-case"]],
    "subject-case": [0],
    "subject-begins-lower": [2, "always"],
    "subject-full-stop": [2, "never", "."],
    "header-max-length": [2, "always", 72],
    "breaking-change-exclamation-mark": [2, "always"],
    // A warning would pass the gate, so what the preset only warns about is an error here.
    "body-leading-blank": [2, "always"],
    "footer-leading-blank": [2, "always"],
  },
};
