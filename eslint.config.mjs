// Lint rules that need no types, and the import boundaries that docs/design.md draws. Those that need types: .oxlintrc.json.
import tseslint from "typescript-eslint";

import boundaryRules from "./eslint.boundaries.mjs";

/** Each folder, and the other folders of this repository that it may import from. Tests look everywhere, and nothing looks at them. */
const boundaries = {
  components: [],
  infra: ["components"],
  "component-package": ["components"],
  examples: ["components"],
  policies: [],
  provisioner: [],
  toolchain: [],
  previews: ["toolchain"],
  commands: ["toolchain", "previews"],
  bench: ["commands", "previews", "provisioner", "toolchain"],
};

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
