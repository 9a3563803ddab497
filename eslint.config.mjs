// Lint rules: strict, type-aware TypeScript, and the import boundaries that docs/design.md draws.
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
];

export default tseslint.config(
  { ignores: ["node_modules/**", ".sandlot/**"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { boundaries: boundaryRules },
    rules: {
      "boundaries/imports": ["error", boundaries],
      "no-console": "off",
      // Numbers in messages are what messages are for.
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  { files: ["**/*.mjs", "**/*.cjs"], extends: [tseslint.configs.disableTypeChecked] },
  { files: ["**/*.cjs"], rules: { "@typescript-eslint/no-require-imports": "off" } },
  // A Pulumi resource is registered by being constructed.
  {
    files: ["components/**/*.ts", "infra/**/*.ts", "test/**/*.ts"],
    rules: { "@typescript-eslint/no-new": "off", "@typescript-eslint/no-unused-expressions": "off" },
  },
  {
    files: ["components/**/*.ts", "test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["it", "describe"] }] },
      ],
    },
  },
);
