// No secret reaches the comment, whoever forgot to mark it, wherever else it stands.
import assert from "node:assert/strict";

import fc from "fast-check";

import { Redactor } from "../../../previews/redactor.js";
import type { EngineResult } from "../../../previews/report.js";
import { isSensitiveName } from "../../../previews/secrets.js";
import { changed, commentOn, created, deploymentType, run, urn, violation } from "./preview-fixture.js";

const secretType = "kubernetes:core/v1:Secret";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** The comment on an update of `before` to `after` at one path. */
function commentOnField(path: string, before: object, after: object, type = deploymentType): string {
  return commentOn(run([changed("update", type, "x", before, after, { [path]: "update" })]));
}

describe("secrets in the preview comment", () => {
  it("shows nothing of what the engine masks, in either of its notations", () => {
    const signed = {
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      ciphertext: "v1:hidden-ciphertext",
      plaintext: '"hidden-plaintext"',
    };
    const text = commentOnField("data.a", { data: { a: "[secret]" } }, { data: { a: signed } });
    assert.match(text, /`data\.a`: changed, not shown/);
    assert.doesNotMatch(text, /hidden/);
    assert.match(
      commentOnField("data.a.b", { data: "[secret]" }, { data: "[secret]" }),
      /changed, not shown/,
    );
  });

  it("shows nothing of files", () => {
    const asset = {
      "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17",
      text: "file-content",
    };
    const text = commentOnField("source", { source: "none" }, { source: asset });
    assert.match(text, /`none` → `\(file or resource\)`/);
    assert.doesNotMatch(text, /file-content/);
  });

  for (const key of ["data", "stringData"]) {
    it(`shows nothing of ${key} of a Kubernetes Secret, nor of one inside a list`, () => {
      const before = { kind: "Secret", metadata: { name: "s" }, [key]: { user: "planted-one" } };
      const after = { ...before, [key]: { user: "planted-two", more: "planted-three" } };
      const alone = commentOnField(`${key}.user`, before, after, secretType);
      const listed = commentOnField(
        `items[0].${key}.user`,
        { items: [before] },
        { items: [after] },
        "kubernetes:core/v1:List",
      );
      const whole = commentOn(
        run([changed("update", "x:y:Z", "x", {}, { object: after }, { object: "add" })]),
      );
      for (const text of [alone, listed, whole]) {
        assert.doesNotMatch(text, /planted/);
        assert.match(text, /not shown|\[secret\]/);
      }
    });
  }

  it("shows nothing of additional secret outputs, though only one of the two states declares them", () => {
    const step = changed(
      "update",
      "random:index:Thing",
      "x",
      { result: "planted-one" },
      { result: "planted-two" },
      { result: "update" },
    );
    const newState = { ...step.newState, additionalSecretOutputs: ["result"] };
    const text = commentOn(run([{ ...step, newState }]));
    assert.match(text, /`result`: changed, not shown/);
    assert.doesNotMatch(text, /planted/);
  });

  it("shows nothing of fields, environment variables and entries with the name of a secret", () => {
    const make = (value: string): object => ({
      adminPassword: value,
      env: [
        { name: "API_TOKEN", value },
        { name: "LANG", value: "en" },
      ],
      envs: [`CLIENT_SECRET=${value}`, "PATH=/bin"],
      nested: { credentials: { user: value } },
      metadata: { annotations: { "kubectl.kubernetes.io/last-applied-configuration": `{"a":"${value}"}` } },
    });
    const paths = [
      "adminPassword",
      "env[0].value",
      "envs[0]",
      "nested.credentials.user",
      "nested",
      "env",
      "metadata.annotations",
    ];
    const text = commentOn(
      run([
        changed(
          "update",
          deploymentType,
          "x",
          make("planted-one"),
          make("planted-two"),
          Object.fromEntries(paths.map((path) => [path, "update"])),
        ),
      ]),
    );
    assert.doesNotMatch(text, /planted/);
    assert.match(text, /`adminPassword`: changed, not shown/);
    assert.match(text, /`env\[0\]\.value`: changed, not shown/);
  });

  it("shows settings about secrets, which a reviewer has to see", () => {
    const show = (path: string, before: unknown, after: unknown): void => {
      const text = commentOnField(path, { [path]: before }, { [path]: after });
      assert.match(text, new RegExp(`\`${path}\`: \`.+\` → \`.+\``), path);
      assert.doesNotMatch(text, /\[secret\]/, path);
    };
    show("automountServiceAccountToken", false, true);
    show("secretName", "one", "two");
    show("imagePullSecrets", [{ name: "one" }], [{ name: "two" }]);
    show("secret", { secretName: "one" }, { secretName: "two" });
    show("secretKeyRef", { name: "one", key: "k" }, { name: "two", key: "k" });
    show(
      "serviceAccountToken",
      { path: "token", expirationSeconds: 600 },
      { path: "token", expirationSeconds: 3600 },
    );
    for (const name of [
      "apiKey",
      "GITHUB_TOKEN",
      "db_password",
      "kubeconfig",
      "AWS_SECRET_ACCESS_KEY",
      "privateKeyPem",
    ])
      assert.ok(isSensitiveName(name), name);
  });

  it("takes a secret out wherever it stands: other fields, names, errors, policies, as it is, in base64, in JSON", () => {
    const planted = 'planted "quoted" value';
    const steps = [
      created(secretType, "s", { kind: "Secret", stringData: { key: planted, other: "two\nplanted lines" } }),
      changed(
        "update",
        deploymentType,
        "x",
        { a: 1 },
        { a: `see ${planted}!`, b: base64(planted) },
        { a: "update", b: "add" },
      ),
      created(deploymentType, `named-${planted}`),
    ];
    const diagnostics = [
      { severity: "error", message: `error: cannot use ${JSON.stringify({ x: planted })}\nplanted lines` },
    ];
    const events = violation("rule", `the value ${planted} is bad`);
    const text = commentOn(run(steps, { diagnostics, events, exitCode: 1 }));
    assert.doesNotMatch(text, /planted/);
    assert.ok(!text.includes(base64(planted).slice(0, 12)));
    assert.match(text, /`a`: `1` → `see \[secret\]!`/);
    assert.match(text, /`b`: added `\[secret\]`/);
  });

  it("knows a secret of one stack in another", () => {
    const first = {
      ...run([changed("update", deploymentType, "x", { a: 1 }, { a: "planted-value" }, { a: "update" })]),
      stack: "a",
    };
    const second = {
      ...run([created(secretType, "s", { kind: "Secret", data: { k: base64("planted-value") } })]),
      stack: "b",
    };
    assert.doesNotMatch(commentOn(first, second), /planted/);
  });

  it("tells of long texts their length alone", () => {
    const text = commentOnField(
      "data.script",
      { data: { script: "a".repeat(5_000) } },
      { data: { script: "b".repeat(6_000) } },
    );
    assert.match(text, /`\(text of 5000 characters\)` → `\(text of 6000 characters\)`/);
  });

  it("shows nothing of configuration", () => {
    const result = run([created(deploymentType, "x")]);
    const withConfig = {
      ...(JSON.parse(result.stdout) as object),
      config: { "sandlot:x": "planted-config" },
    };
    assert.doesNotMatch(commentOn({ ...result, stdout: JSON.stringify(withConfig) }), /planted/);
  });

  it("leaks no planted secret, whatever surrounds it", () => {
    const secret = fc
      .string({ minLength: 8, maxLength: 40, unit: "grapheme" })
      .filter((text) => text.trim().length >= 8);
    const around = fc.string({ maxLength: 60 });
    const property = fc.property(secret, around, around, (planted, before, after) => {
      const pieces = Array.from({ length: planted.length - 5 }, (_, at) => planted.slice(at, at + 6));
      // What is in the comment without the secret may be in it with the secret.
      const innocent = commentOn(withSecret("another-value", before, after));
      const text = commentOn(withSecret(planted, before, after));
      for (const piece of pieces) assert.ok(innocent.includes(piece) || !text.includes(piece), text);
    });
    fc.assert(property, { numRuns: 200 });
  });
});

function withSecret(planted: string, before: string, after: string): EngineResult {
  const value = `${before}${planted}${after}`;
  const steps = [
    created(secretType, "s", { kind: "Secret", stringData: { key: planted } }),
    changed(
      "update",
      deploymentType,
      "x",
      { a: 1 },
      { a: value, [`key-${planted}`]: { b: [value] } },
      { a: "update" },
    ),
    changed("update", deploymentType, "y", { a: 1 }, { [`key-${planted}`]: { b: [value] } }, null),
  ];
  const diagnostics = [{ severity: "error", message: value }];
  return run(steps, {
    diagnostics,
    exitCode: 1,
    events: violation("rule", value, "mandatory", urn(deploymentType, value)),
  });
}

describe("the redactor", () => {
  const redact = (text: string, ...secrets: string[]): string => {
    const redactor = new Redactor();
    for (const secret of secrets) redactor.add(secret);
    return redactor.redact(text);
  };

  it("takes out secrets that overlap or touch without leaving a rest", () => {
    assert.equal(redact("x abcdefghij y", "abcdefgh", "efghij"), "x [secret] y");
    assert.equal(redact("abcdefabcdef!", "abcdef"), "[secret]!");
    assert.equal(redact("abcdefghij", "abcdef", "abcdefghij"), "[secret]");
  });

  it("leaves words alone that are shorter than a secret can be", () => {
    assert.equal(redact("the port is on", "on", "port"), "the port is on");
  });

  const credentials: readonly (readonly [string, string])[] = [
    ["-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- rest", "[secret] rest"],
    ["a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl b", "a [secret] b"],
    ["https://user:hunter2@example.com/x", "https://user:[secret]@example.com/x"],
    ["Authorization: Bearer abcdefgh12345678", "Authorization: [secret] [secret]"],
    ["AKIAABCDEFGHIJKLMNOP", "[secret]"],
    ["run --password hunter2 --user me", "run --password [secret] --user me"],
    ["x=1 DB_PASSWORD=hunter2; y", "x=1 DB_PASSWORD=[secret]; y"],
    ['{"user":"me","token":"abc123"}', '{"user":"me","token":"[secret]"}'],
    ["a: password=hunter2", "a: password=[secret]"],
    ["password: hunter", "password: [secret]"],
  ];
  for (const [given, expected] of credentials) {
    it(`takes out what looks like a credential: ${given.slice(0, 24).replace(/\n/g, " ")}…`, () => {
      assert.equal(redact(given), expected);
    });
  }

  it("leaves talk about secrets readable", () => {
    for (const text of [
      "no service account token is mounted (automountServiceAccountToken: false)",
      "a Secret: none. The token is not set",
      "secretName: my-secret",
      "tokenExpirationSeconds: 3600",
    ])
      assert.equal(redact(text), text);
  });
});
