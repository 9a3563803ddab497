// Lint rules that need no types, and the import boundaries that docs/design.md draws. Those that need types: .oxlintrc.json.
import tseslint from "typescript-eslint";

import boundaryRules from "./eslint.boundaries.mjs";

/** Each folder and the folders of this repository it must not import from. */
const boundaries = [
  {
    target: "./components",
    from: ["./infra", "./commands", "./toolchain", "./policies", "./test", "./bench", "./previews"],
  },
  { target: "./infra", from: ["./commands", "./toolchain", "./policies", "./test", "./bench", "./previews"] },
  {
    target: "./policies",
    from: ["./infra", "./components", "./commands", "./toolchain", "./test", "./bench", "./previews"],
  },
  {
    target: "./toolchain",
    from: ["./infra", "./components", "./commands", "./policies", "./test", "./bench", "./previews"],
  },
  {
    target: "./previews",
    from: ["./infra", "./components", "./commands", "./policies", "./test", "./bench"],
  },
  { target: "./commands", from: ["./components", "./policies", "./test", "./bench"] },
  { target: "./bench", from: ["./test"] },
  {
    target: "./provisioner",
    from: [
      "./infra",
      "./components",
      "./commands",
      "./toolchain",
      "./policies",
      "./test",
      "./bench",
      "./previews",
    ],
  },
  {
    target: "./component-package",
    from: [
      "./infra",
      "./commands",
      "./toolchain",
      "./policies",
      "./test",
      "./bench",
      "./previews",
      "./provisioner",
    ],
  },
  {
    target: "./examples",
    from: [
      "./infra",
      "./commands",
      "./toolchain",
      "./policies",
      "./test",
      "./bench",
      "./previews",
      "./provisioner",
    ],
  },
];
// Where components are offered to programs of others: only tests look in there.
for (const { target, from } of boundaries)
  from.push(...["./component-package", "./examples"].filter((folder) => folder !== target));

export default tseslint.config(
  { ignores: ["node_modules/**", ".sandlot/**"] },
  ...tseslint.configs.strict,
  {
    plugins: { boundaries: boundaryRules },
    rules: {
      "boundaries/imports": ["error", boundaries],
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  { files: ["**/*.cjs"], rules: { "@typescript-eslint/no-require-imports": "off" } },
  // A Pulumi resource is registered by being constructed.
  {
    files: ["components/**/*.ts", "infra/**/*.ts", "examples/**/*.ts", "test/**/*.ts"],
    rules: { "@typescript-eslint/no-unused-expressions": "off" },
  },
);
